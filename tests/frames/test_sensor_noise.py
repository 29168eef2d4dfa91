"""The noise of still scenes: known sigmas come back whatever else changes, and what is no white Gaussian shows."""

import numpy as np
import pytest

from farview.frames.sensor_noise import Noise, noise_of
from farview.frames.sensor_pool import by_brightness, mean_variance, sigma_of, variance_draws


def wall(
    count: int = 200, size: tuple[int, ...] = (12, 16, 3), contrast: float = 60, seed: int = 0
) -> np.ndarray:
    """A noiseless still picture, many times: (count, *size) floats."""
    level = 120 + contrast * np.random.default_rng(seed).uniform(-1, 1, size)
    return np.repeat(level[None], count, axis=0)


def gaussian(frames: np.ndarray, sigma: float, seed: int = 1) -> np.ndarray:
    return frames + np.random.default_rng(seed).normal(0, sigma, frames.shape)


def measured(frames: np.ndarray) -> Noise:
    grey = np.clip(np.rint(frames), 0, 255)
    noise = noise_of(grey, grey.mean(0), np.ones(grey.shape, bool))
    assert noise is not None
    return noise


def sigma(frames: np.ndarray) -> float:
    return float(sigma_of(mean_variance([measured(frames)]), False))


def flicker(frames: np.ndarray) -> np.ndarray:
    return frames * (1 + 0.05 * np.sin(np.arange(len(frames)))[:, None, None, None])


def drift(frames: np.ndarray) -> np.ndarray:
    return frames + np.linspace(0, 25, len(frames))[:, None, None, None]


def passer_by(frames: np.ndarray) -> np.ndarray:
    frames = frames.copy()
    for n, frame in enumerate(frames):
        x = (n // 2) % 14
        frame[3:9, x : x + 2] = 230
    return frames


@pytest.mark.parametrize(
    "change", [lambda frames: frames, flicker, drift, passer_by, lambda f: passer_by(flicker(f))]
)
@pytest.mark.parametrize("true", [0.3, 2.0, 8.0])
def test_known_noise_comes_back(true: float, change) -> None:
    assert sigma(gaussian(change(wall()), true)) == pytest.approx(true, rel=0.05, abs=0.07)


def test_a_flat_wall_and_few_pixels_suffice() -> None:
    assert sigma(gaussian(wall(300, (8, 8, 1), contrast=0.4), 3)) == pytest.approx(3, rel=0.04)


@pytest.mark.parametrize("true", [0.05, 0.15, 0.3, 0.5, 0.8, 3.0])
def test_rounding_is_undone(true: float) -> None:
    """Against many still pixels, whose fractions are even, rounded one by one."""
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 1, (4000, 1)) + rng.normal(0, true, (4000, 400))
    variance = np.rint(pixels).var(1, ddof=1).mean()
    assert sigma_of(variance, False) == pytest.approx(true, abs=0.01)
    assert sigma_of(true**2 + 1 / 12, True) == pytest.approx(true)


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for n in range(40):
        true = [0.4, 1.5, 6.0][n % 3]
        noise = measured(gaussian(flicker(wall(80, (8, 8, 1), seed=n)), true, seed=n))
        low, high = sigma_of(np.quantile(variance_draws([noise], 400, rng), (0.025, 0.975)), False)
        covered += low <= true <= high
    assert covered >= 34  # of 40; 38 are expected


def test_recordings_are_drawn_anew_where_they_differ() -> None:
    noises = [measured(gaussian(wall(100), s, seed=n)) for n, s in enumerate((2.0, 3.0, 4.0))]
    low, high = np.sqrt(np.quantile(variance_draws(noises, 1000, np.random.default_rng(0)), (0.025, 0.975)))
    assert low < 2.4 and high > 3.6


def test_white_noise_raises_no_doubt() -> None:
    noise = measured(gaussian(wall(), 3))
    assert noise.moving < 0.01 and abs(noise.apart - 1) < 0.05 and abs(noise.shake) < 0.01
    assert max(abs(noise.beside), abs(noise.between)) < 0.05 and abs(noise.tails) < 0.4


def test_noise_that_neighbours_share_shows() -> None:
    white = np.random.default_rng(0).normal(0, 3, (200, 12, 17, 3))
    noise = measured(wall() + (white[:, :, 1:] + white[:, :, :-1]) / np.sqrt(2))
    assert noise.beside == pytest.approx(0.5, abs=0.05)


def test_noise_that_channels_share_shows() -> None:
    noise = measured(wall() + np.random.default_rng(0).normal(0, 3, (200, 12, 16, 1)))
    assert noise.between == pytest.approx(1, abs=0.05)


def test_noise_that_lasts_shows() -> None:
    white = np.random.default_rng(0).normal(0, 3, (300, 12, 16, 3))
    for n in range(1, 300):
        white[n] = 0.5 * white[n - 1] + np.sqrt(0.75) * white[n]
    noise = measured(wall(300) + white)
    assert noise.apart == pytest.approx(2, rel=0.1)  # 1 / (1 - 0.5)
    assert np.sqrt(noise.apart * mean_variance([noise]) - 1 / 12) == pytest.approx(3, rel=0.05)


def test_long_tails_show() -> None:
    laplace = np.random.default_rng(0).laplace(0, 2, (300, 12, 16, 1))
    assert measured(wall(300, (12, 16, 1)) + laplace).tails > 1


def test_shot_noise_shows_by_brightness() -> None:
    level = wall(contrast=100)
    noise = measured(level + np.random.default_rng(0).normal(size=level.shape) * np.sqrt(level / 10))
    for grey, variance in by_brightness([noise]):
        assert variance == pytest.approx(grey / 10, rel=0.12)


def test_a_trembling_camera_shows() -> None:
    rng = np.random.default_rng(0)
    x = np.mgrid[:12, :16].sum(0)[None, :, :, None] + rng.normal(0, 0.2, (200, 1, 1, 1))
    noise = measured(gaussian(120 + 40 * np.sin(x / 3), 1.0))
    assert noise.shake > 0.5


def test_nothing_usable_is_none() -> None:
    frames = wall(40)
    assert noise_of(frames, frames[0], np.zeros(frames.shape, bool)) is None
