"""The noise of several recordings as one sigma, with its bootstrap; by brightness."""

from typing import Any

import numpy as np

from farview.frames.sensor_noise import Floats, Noise, parts


def sigma_of(variance: Any, dithered: bool) -> Any:
    """The Gaussian's sigma behind a variance of whole grey levels, any shape.

    Rounding adds 1/12, if levels vary (`dithered`) or the sigma is above 0.5. In a still scene, less noise moves fewer
    pixels over a rounding edge: the mean over all fractions x of a level of Var(round(x + noise)) is
    sigma^2 + 1/12 - sum over k of exp(-4 pi^2 k^2 sigma^2) / (2 pi^2 k^2).
    """
    if dithered:
        return np.sqrt(np.maximum(np.asarray(variance) - 1 / 12, 0))
    sigma = np.linspace(0, 1, 1001)
    k = np.arange(1, 2001)[:, None]
    lost = (np.exp(-4 * (np.pi * k * sigma) ** 2) / (2 * (np.pi * k) ** 2)).sum(0)
    known = sigma**2 + 1 / 12 - lost
    exact = np.interp(variance, known, sigma)
    return np.where(np.asarray(variance) < known[-1], exact, np.sqrt(np.maximum(variance, 1) - 1 / 12))


def mean_variance(noises: list[Noise]) -> float:
    """Over all blocks of all recordings."""
    return float(
        np.average([n.variance[n.seen].mean() for n in noises], weights=[n.seen.sum() for n in noises])
    )


def variance_draws(noises: list[Noise], draws: int, rng: np.random.Generator) -> Floats:
    """Bootstrap of `mean_variance` (draws,): blocks of frames and pixels drawn anew, recordings where 3 or more."""
    total, weight = np.zeros(draws), np.zeros(draws)
    for noise, times in zip(noises, redrawn(len(noises), draws, rng), strict=True):
        blocks, pixels = noise.seen.shape
        in_time = rng.multinomial(blocks, np.full(blocks, 1 / blocks), draws).astype(float)
        in_space = rng.multinomial(pixels, np.full(pixels, 1 / pixels), draws).astype(float)
        total += times * ((in_time @ np.where(noise.seen, noise.variance, 0)) * in_space).sum(1)
        weight += times * ((in_time @ noise.seen.astype(float)) * in_space).sum(1)
    return total / np.maximum(weight, 1)


def redrawn(count: int, draws: int, rng: np.random.Generator) -> Floats:
    """How often each of `count` recordings is in each draw (count, draws); once where there are less than 3."""
    if count < 3:
        return np.ones((count, draws))
    return rng.multinomial(count, np.full(count, 1 / count), draws).T.astype(float)


def by_brightness(noises: list[Noise]) -> list[tuple[float, float]]:
    """Mean grey level and variance of up to four equal parts of the pixels, from the darkest to the brightest."""
    counts = np.concatenate([n.seen.sum(0) for n in noises])
    sums = np.concatenate([np.where(n.seen, n.variance, 0).sum(0) for n in noises])
    levels = np.concatenate([n.level for n in noises])
    levels, sums, counts = levels[counts > 0], sums[counts > 0], counts[counts > 0]
    part = parts(levels)
    found = []
    for p in np.unique(part):
        here = part == p
        weights = counts[here]
        found.append(
            (float(np.average(levels[here], weights=weights)), float(sums[here].sum() / weights.sum()))
        )
    return found
