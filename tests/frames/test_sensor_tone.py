"""Brightness, colours and clipping of a coarse camera, put in by hand."""

import numpy as np
import pytest

from farview.frames.sensor_tone import Tone, tone_of

EVERYWHERE = np.ones((12, 16), bool)


def seen(colour: float = 1.0) -> np.ndarray:
    """What coarse pixels see of HR frames, grey where `colour` is 0: (30, 12, 16, 3)."""
    rng = np.random.default_rng(0)
    grey, colours = rng.uniform(40, 90, (30, 12, 16, 1)), rng.uniform(-20, 20, (30, 12, 16, 3))
    return grey + colour * colours


def noisy(frames: np.ndarray, sigma: float = 2.0) -> np.ndarray:
    return np.clip(np.rint(frames + np.random.default_rng(1).normal(0, sigma, frames.shape)), 0, 255)


def test_gain_offset_and_colours_come_back() -> None:
    mixed = np.array([[0.6, 0.2, 0.0], [0.1, 0.7, 0.1], [0.0, 0.3, 0.5]])
    expected = seen()
    tone = tone_of(expected, noisy(expected @ mixed.T + [30, 20, 10]), EVERYWHERE)
    np.testing.assert_allclose(tone.colours[:, :3], mixed, atol=0.01)
    np.testing.assert_allclose(tone.colours[:, 3], [30, 20, 10], atol=0.8)
    assert tone.clipped == 0 and not tone.exchanged
    np.testing.assert_allclose(tone.of(expected), expected @ mixed.T + [30, 20, 10], atol=0.3)


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_of_grey(channels: int) -> None:
    expected = seen(0.0)[..., :channels]
    tone = tone_of(expected, noisy(0.8 * expected[..., :1] + 15), EVERYWHERE)
    assert (tone.gain, tone.offset) == (pytest.approx(0.8, abs=0.01), pytest.approx(15, abs=0.7))
    assert tone.colours.shape == (1, channels + 1) and not tone.exchanged


def test_clipped_pixels_are_counted_where_covered() -> None:
    expected = seen(0.0)
    covered = EVERYWHERE.copy()
    covered[:6] = False
    target = 3.5 * expected  # 255 is passed from 73 on
    tone = tone_of(expected, noisy(target), covered)
    share = (target[:, 6:].max(3) > 247).mean()
    assert tone.clipped == pytest.approx(share, abs=0.03) and 0.3 < share < 0.6


@pytest.mark.parametrize("colour", [0.0, 0.3, 1.0])
def test_red_for_blue(colour: float) -> None:
    """Told where colours stand out of the noise, and never of what is right, or grey."""

    def found(target: np.ndarray) -> Tone:
        return tone_of(seen(colour), noisy(target), EVERYWHERE)

    assert not found(0.9 * seen(colour) + 5).exchanged
    assert found(0.9 * seen(colour)[..., ::-1] + 5).exchanged == (colour > 0)
