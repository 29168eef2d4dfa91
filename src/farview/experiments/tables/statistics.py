"""What cells say together: means, spread, and intervals that draw clips (or groups) and seeds anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

DRAWS = 4000


@dataclass(frozen=True)
class Outcomes:
    """What one row got right on one split."""

    hits: NDArray[np.float64]
    """(seeds, clips): 1 where the clip was recognised."""
    units: NDArray[np.int64]
    """(clips,): the number of the unit, a clip or a group, that a clip is drawn with; the same in every split."""


@dataclass(frozen=True)
class Difference:
    """A difference of two rows in points with its 95 % interval."""

    points: float
    low: float
    high: float

    @property
    def sign(self) -> str:
        """For a reader."""
        return f"{self.points:+.1f} ({self.low:+.1f} to {self.high:+.1f})"


def mean_and_spread(figures: list[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation over seeds and splits; no spread of one figure."""
    return float(np.mean(figures)), float(np.std(figures, ddof=1)) if len(figures) > 1 else None


def outcomes_of(hits: Sequence[NDArray[np.float64]], names: Sequence[Sequence[str]]) -> list[Outcomes]:
    """Outcomes of each split from its hits (seeds, clips) and the names of its clips' units, alike in every split."""
    number = {name: place for place, name in enumerate(dict.fromkeys(chain.from_iterable(names)))}
    units = [np.array([number[name] for name in of_split]) for of_split in names]
    return [Outcomes(*each) for each in zip(hits, units, strict=True)]


def draws(outcomes: list[Outcomes], seed: int = 0) -> NDArray[np.float64]:
    """(DRAWS,) Prec@1 in percent, mean over splits, with seeds and units drawn with replacement.

    Units are drawn from all splits at once: a clip that several of them test is one clip, and where each tests one
    group, the splits themselves are drawn. The same seed of the generator draws the same seeds and units for every
    row of the same shape, so that the difference of two rows' draws is paired by seed and by clip (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993, ch. 8). With one training seed only units are drawn.
    """
    generator = np.random.default_rng(seed)
    seeds = outcomes[0].hits.shape[0]
    units = 1 + max(int(split.units.max()) for split in outcomes)
    picked = generator.multinomial(seeds, np.full(seeds, 1 / seeds), DRAWS)  # (DRAWS, seeds)
    often = generator.multinomial(units, np.full(units, 1 / units), DRAWS)  # (DRAWS, units)
    right, clips = np.zeros(DRAWS), np.zeros(DRAWS)
    for split in outcomes:
        size = len(split.units)  # splits count alike, whatever their size
        sums = np.stack([np.bincount(split.units, row, units) for row in split.hits])  # (seeds, units)
        right += np.einsum("ds,su,du->d", picked / seeds, sums, often, optimize=True) / size
        clips += often @ np.bincount(split.units, minlength=units) / size
    return 100 * right / clips


def prec1(outcomes: list[Outcomes]) -> float:
    """Prec@1 in percent, mean over seeds and splits."""
    return 100 * float(np.mean([split.hits.mean() for split in outcomes]))


def difference(first: list[Outcomes], second: list[Outcomes]) -> Difference:
    """`second` - `first`, paired by seed and clip."""
    drawn = draws(second) - draws(first)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Difference(prec1(second) - prec1(first), float(low), float(high))


def gap_share(
    teacher: list[Outcomes], student: list[Outcomes], row: list[Outcomes]
) -> tuple[float, float, float] | None:
    """Percent of the HR-eLR gap that a row closed, with its 95 % interval.

    None where the gap is not larger than twice its standard error: a share of it would mean nothing.
    """
    gap = prec1(teacher) - prec1(student)
    drawn_gap = draws(teacher) - draws(student)
    if gap <= 2 * drawn_gap.std():
        return None
    usual = drawn_gap > 0  # a draw without a gap has no share
    shares = 100 * (draws(row) - draws(student))[usual] / drawn_gap[usual]
    low, high = np.percentile(shares, [2.5, 97.5])
    return 100 * (prec1(row) - prec1(student)) / gap, float(low), float(high)
