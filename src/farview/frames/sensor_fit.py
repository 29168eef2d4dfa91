"""The sensor model of a real coarse camera: blur and noise with 95 % intervals, and where the model does not hold."""

from dataclasses import dataclass

import numpy as np

from farview.errors import FarviewError
from farview.frames.sensor_align import Recording
from farview.frames.sensor_noise import APART, BLOCK, Noise, noise_of
from farview.frames.sensor_pair import Pair, fit_pair
from farview.frames.sensor_pool import by_brightness, mean_variance, redrawn, sigma_of, variance_draws
from farview.frames.sensor_solve import DRAWS
from farview.frames.sensor_view import Geometry
from farview.frames.sensor_warnings import Estimate, Single, noise_warnings, pair_warnings

LEAST = 4 * BLOCK + 1
"""Frames of a still scene."""


@dataclass(frozen=True)
class SensorFit:
    """What recordings tell of a coarse camera."""

    height: int
    width: int
    blur: Estimate | None
    """eLR pixels; None without an HR recording."""
    noise: Estimate | None
    """Grey levels; None where only pairs were given and they are too short or clipped."""
    pairs: tuple[Pair, ...]
    brightness: tuple[tuple[float, float], ...]
    """Grey level and the noise's sigma there, from dark to bright."""
    warnings: tuple[str, ...]

    @property
    def sensor(self) -> dict[str, float]:
        """The keys of a recipe's `input.sensor` that are known."""
        known = {"blur": self.blur, "noise": self.noise}
        size: dict[str, float] = {"height": self.height, "width": self.width}
        return size | {key: round(value.value, 3) for key, value in known.items() if value is not None}


def fit_sensor(pairs: list[tuple[Recording, Recording, Geometry]], stills: list[Recording]) -> SensorFit:
    """Blur from pairs of a coarse and an HR recording; noise from still scenes, or else from what pairs leave.

    All coarse recordings are of one size, at least one is given. Raises FarviewError naming what cannot be used.
    """
    rng = np.random.default_rng(0)
    fitted = [fit_pair(*pair, rng) for pair in pairs]
    measured = [(still.name, still_noise(still)) for still in stills] or [
        (pair.coarse, pair.noise) for pair in fitted if pair.noise is not None
    ]
    noises = [found for _, found in measured]
    blur = _blur(fitted, rng) if fitted else None
    noise, brightness, single = None, [], []
    if noises:
        dithered = not stills
        draws = sigma_of(variance_draws(noises, DRAWS, rng), dithered)
        value = float(sigma_of(mean_variance(noises), dithered))
        noise = _estimate(value, draws)
        brightness = [(level, float(sigma_of(v, dithered))) for level, v in by_brightness(noises)]
        single = [
            Single(name, float(n.level.mean()), float(sigma_of(mean_variance([n]), dithered)))
            for name, n in measured
        ]
    height, width = (stills or [pair[0] for pair in pairs])[0].frames.shape[1:3]
    warnings = [*noise_warnings(noises, noise, single, brightness), *pair_warnings(fitted, blur, noise)]
    return SensorFit(height, width, blur, noise, tuple(fitted), tuple(brightness), tuple(warnings))


def still_noise(still: Recording) -> Noise:
    """The noise of a still scene. Raises FarviewError where it is too short, frozen, clipped or not still."""
    frames = still.frames
    if len(frames) < LEAST:
        few = "1 frame is" if len(frames) == 1 else f"{len(frames)} frames are"
        raise FarviewError(f"{still.name}: {few} too few; record at least {LEAST} of a still scene")
    if not np.any(np.diff(frames, axis=0)):
        raise FarviewError(
            f"{still.name}: every frame is the same: a picture that froze; record anew (or set noise: 0, if the camera "
            "really has none)"
        )
    usable = ((frames == 0) | (frames == 255)).mean(0) <= 0.001
    if usable.mean() < 0.25:
        raise FarviewError(
            f"{still.name}: {1 - usable.mean():.0%} of the pixels are at times black or white, where noise is cut off; "
            "record a wall that is neither dark nor bright"
        )
    level = frames.mean(0)
    noise = noise_of(frames.astype(float), level, np.broadcast_to(usable, frames.shape))
    assert noise is not None
    if noise.moving > 0.25 or noise.apart > 4 or noise.shake > 0.06:
        raise FarviewError(
            f"{still.name}: not still enough to tell noise from motion: {noise.moving:.0%} of it moves, the whole "
            f"picture's shifts make {max(noise.shake, 0):.0%} of what changes, and frames {APART} apart differ "
            f"{np.sqrt(noise.apart):.1f} times as much as neighbours; fix the camera and record a wall"
        )
    return noise


def _blur(pairs: list[Pair], rng: np.random.Generator) -> Estimate:
    """Pairs by the certainty of each; the bootstrap draws frames anew and, where 3 or more, recordings."""
    draws = np.stack([pair.draws for pair in pairs])
    certainty = 1 / np.maximum(draws.var(1), 1e-8)
    value = np.average([pair.variance for pair in pairs], weights=certainty)
    weights = redrawn(len(pairs), DRAWS, rng) * certainty[:, None]
    return _estimate(float(np.sqrt(value)), np.sqrt(np.maximum((weights * draws).sum(0) / weights.sum(0), 0)))


def _estimate(value: float, draws: np.ndarray) -> Estimate:
    low, high = np.quantile(draws, (0.025, 0.975))
    return Estimate(value, min(float(low), value), max(float(high), value))
