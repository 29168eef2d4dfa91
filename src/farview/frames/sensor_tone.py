"""What a coarse camera makes of the light that an HR camera sees as well: brightness, colours, clipping."""

from dataclasses import dataclass

import numpy as np

from farview.frames.sensor_noise import Floats, Mask
from farview.frames.sensor_solve import line

DARK, BRIGHT = 8.0, 247.0
"""Grey levels beyond which clipping has its say."""

_RED_AND_BLUE = ((0, 0), (2, 2)), ((2, 0), (0, 2))  # channels as they are, and exchanged
_BETTER = 0.7  # share of the errors that exchanged channels leave; 1 where no colour tells them apart


@dataclass(frozen=True)
class Tone:
    """A coarse camera's grey levels against an HR camera's."""

    gain: float
    """Coarse grey levels for each of HR, of the mean of the channels."""
    offset: float
    """What is added to that, grey levels."""
    colours: Floats
    """(C, HR channels + 1): the share of each HR channel in a coarse one, and last what is added."""
    clipped: float
    """Share of the coarse pixels that are left out since they are about black or white."""
    exchanged: bool
    """Whether red follows the HR camera's blue, and blue its red."""

    def of(self, expected: Floats) -> Floats:
        """Noiseless coarse frames (..., C) from what coarse pixels see of HR frames (..., HR channels)."""
        return expected @ self.colours[:, :-1].T + self.colours[:, -1]


def tone_of(expected: Floats, target: Floats, covered: Mask) -> Tone:
    """By least squares over what is `covered` (h, w) and not clipped.

    `expected` (T, h, w, HR channels) is what coarse pixels see of HR frames, `target` (T, h, w, C) what they gave.
    """
    counts = covered & unclipped(target)
    basis = np.concatenate([expected, np.ones((*expected.shape[:3], 1))], axis=3)
    colours = np.linalg.lstsq(basis[counts], target[counts], rcond=None)[0].T
    gain, offset = line(expected.mean(3), target.mean(3), counts)
    clipped = 1 - counts.sum() / max(covered.sum() * len(target), 1)
    return Tone(gain, offset, colours, float(clipped), _exchanged(expected[counts], target[counts]))


def unclipped(frames: Floats) -> Mask:
    """Pixels (..., h, w) of `frames` (..., h, w, C) that are neither black nor white in any channel."""
    return (frames.min(-1) > DARK) & (frames.max(-1) < BRIGHT)


def _exchanged(expected: Floats, target: Floats) -> bool:
    """Of pixels (N, HR channels) and (N, C)."""
    if expected.shape[1] != 3 or target.shape[1] != 3:
        return False
    own, other = (sum(_missed(expected[:, n], target[:, c]) for n, c in pairs) for pairs in _RED_AND_BLUE)
    return other < _BETTER * own


def _missed(expected: Floats, target: Floats) -> float:
    """Mean square of what a line through `expected` (N,) misses."""
    gain, base = line(expected, target, np.ones(len(target)))
    return float(np.square(target - gain * expected - base).mean())
