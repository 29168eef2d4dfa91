"""Histograms of what is drawn: stripes, moving blobs."""

import numpy as np
import pytest

from farview.frames.flow import enlarged
from farview.rivals.descriptors import describe, histogram


def moving_blob(right: float, down: float, length: int = 6) -> np.ndarray:
    """A bright blob on 12x16 pixels that moves by so many pixels a frame; (T, 12, 16, 1) uint8."""
    y, x = np.mgrid[:12, :16]
    frames = []
    for t in range(length):
        distance = (x - 8 - right * (t - length / 2)) ** 2 + (y - 6 - down * (t - length / 2)) ** 2
        frames.append(220 * np.exp(-distance / 8))
    return np.stack(frames).astype(np.uint8)[..., None]


@pytest.mark.parametrize(
    ("right", "down", "direction"), [(1, 0, 0), (0.7, 0.7, 1), (0, 1, 2), (-1, 0, 4), (0, -1, 6)]
)
def test_flow_votes_for_the_direction_of_the_motion(right: float, down: float, direction: int) -> None:
    hof = describe(moving_blob(right, down), ("hof",))["hof"]
    assert hof.reshape(6, 25, 8).sum((0, 1)).argmax() == direction


def test_what_stands_still_has_no_motion() -> None:
    found = describe(moving_blob(0, 0), ("hof", "mbh"))
    assert not found["hof"].any() and found["mbh"].max() < 0.02


def test_gradients_lie_across_stripes() -> None:
    ramp = np.tile(np.arange(0, 160, 10, np.uint8), (12, 1))[
        None, ..., None
    ]  # 10 levels a pixel to the right
    hog = describe(ramp, ("hog",))["hog"].reshape(25, 8)
    assert hog[12, 0] == pytest.approx(0.1, rel=0.1) and hog[12, 1:].max() < 0.01
    down = np.repeat(np.arange(0, 120, 10, np.uint8)[:, None], 16, 1)[None, ..., None]
    assert describe(down, ("hog",))["hog"].reshape(25, 8)[12].argmax() == 4


def test_the_histogram_equals_a_loop_over_pixels() -> None:
    rng = np.random.default_rng(0)
    x, y, weight = rng.normal(size=(3, 2, 12, 17)).astype(np.float32)
    weight = abs(weight)
    for signed in (False, True):
        slow = np.zeros((2, 5, 5, 8))
        pixels = np.zeros((5, 5))
        for row in range(12):
            for column in range(17):
                cell = row * 5 // 12, column * 5 // 17
                pixels[cell] += 1
                for t in range(2):
                    angle = np.degrees(np.arctan2(y[t, row, column], x[t, row, column]))
                    step = 45 if signed else 22.5
                    slow[t, *cell, round(angle / step) % 8] += weight[t, row, column]
        fast = histogram(x, y, weight, signed).reshape(2, 5, 5, 8)
        np.testing.assert_allclose(fast, slow / pixels[:, :, None], rtol=1e-5)


@pytest.mark.parametrize(
    "shape", [(1, 12, 16, 1), (3, 12, 16, 3), (2, 6, 8, 3), (2, 8, 8, 1), (2, 70, 90, 1)]
)
def test_every_size_and_length_has_its_series(shape: tuple[int, ...]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = describe(frames, ("mbh", "hog", "hof"))
    assert {name: series.shape for name, series in found.items()} == {
        "mbh": (shape[0], 400),
        "hog": (shape[0], 200),
        "hof": (shape[0], 200),
    }
    assert all(series.min() >= 0 for series in found.values()) and found["hof"].max() <= 1
    assert min(enlarged(frames).shape[1:]) >= 60
