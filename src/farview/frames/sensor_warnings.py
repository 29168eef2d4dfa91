"""Where the sensor model does not hold for a coarse camera, or recordings do not suffice to tell."""

from dataclasses import dataclass

import numpy as np

from farview.frames.sensor_noise import APART, Noise
from farview.frames.sensor_pair import Pair

_BRIGHTER = 8  # grey levels, from which on another brightness may be the reason


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Single:
    """What one recording tells of the noise."""

    name: str
    level: float
    """Mean grey level."""
    noise: float
    """Sigma, grey levels."""


def noise_warnings(
    noises: list[Noise], noise: Estimate | None, single: list[Single], brightness: list[tuple[float, float]]
) -> list[str]:
    """How the noise visibly differs from a white Gaussian of one sigma.

    `single` are the `noises` one by one, `brightness` all of them by grey level.
    """
    if noise is None:
        return ["noise: not found: record a still scene, too, and name it after the pairs"]
    beside, between, apart, tails = (
        float(np.median([getattr(n, key) for n in noises])) for key in ("beside", "between", "apart", "tails")
    )
    found = []
    if beside > 0.1:
        doubt = "; was the scene still?" if beside > 0.5 else ""
        found.append(f"noise of neighbouring pixels is correlated ({beside:.2f}); the model's is not{doubt}")
    if between > 0.2:
        found.append(f"noise of colour channels is correlated ({between:.2f}); the model's is not")
    if apart > 1.2:
        found.append(
            f"neighbouring frames are too much alike (denoised, compressed, or the picture drifts): from frames "
            f"{APART} apart the noise is {noise.value * np.sqrt(apart):.2f}"
        )
    if noise.value > 0.7 and tails > 1:
        found.append(f"noise has longer tails than a Gaussian (excess kurtosis {tails:.1f})")
    if _differ([one.noise for one in single]):
        found.append(_disagreement(single))
    elif _differ([sigma for _, sigma in brightness]) and brightness[-1][0] - brightness[0][0] > _BRIGHTER:
        (dark, low), (bright, high) = brightness[0], brightness[-1]
        found.append(
            f"noise depends on brightness: {low:.2f} at grey level {dark:.0f}, {high:.2f} at {bright:.0f}; the model's "
            "does not, and is the mean of what was recorded"
        )
    return found


def _differ(sigmas: list[float]) -> bool:
    return max(sigmas) > 1.3 * max(min(sigmas), 0.5)


def _disagreement(single: list[Single]) -> str:
    """Flat recordings of two brightnesses cannot tell whether that is the reason."""
    each = ", ".join(f"{one.name} {one.noise:.2f} at grey level {one.level:.0f}" for one in single)
    levels = [one.level for one in single]
    brighter = "noise depends on brightness, or " if max(levels) - min(levels) > _BRIGHTER else ""
    return (
        f"recordings disagree on noise: {each}; {brighter}the camera was set otherwise or something moved; the model's "
        "is their mean"
    )


def pair_warnings(pairs: list[Pair], blur: Estimate | None, noise: Estimate | None) -> list[str]:
    """Where an HR recording is not explained by the model, or does not suffice."""
    found = []
    for pair in pairs:
        if not pair.timed:
            found.append(f"{pair.coarse}: too little moves to find a time offset; 0 is taken")
        beyond = pair.residual**2 - (noise.value**2 + 1 / 12 if noise else 0)
        if noise and beyond > noise.value**2 + 1 / 12:
            found.append(
                f"{pair.coarse}: the fit misses by {np.sqrt(beyond):.1f} grey levels beside noise: parallax, another "
                f"tone curve, or times that are not true{pair.rates}"
            )
        xx, _, _, yy = pair.view.turn
        if not 0.93 < (1 + xx) / (1 + yy) < 1.07:
            found.append(
                f"{pair.coarse}: its pixels are {(1 + xx) / (1 + yy):.2f} times as wide as high; the model's are square"
            )
        if pair.tone.clipped > 0.1:
            found.append(
                f"{pair.coarse}: {pair.tone.clipped:.0%} of its pixels are about black or white and left out; expose "
                "it so that little is clipped"
            )
        if pair.tone.exchanged:
            found.append(
                f"{pair.coarse}: its red is the blue of {pair.hr}, and its blue the red; exchange them"
            )
    if blur and blur.high - blur.low > 0.3:
        found.append("blur is known badly; record a scene with more edges")
    return found
