"""How a coarse camera's pixels lie over the frames of an HR camera beside it: a plain model that can be fitted.

`SensorModel` knows one view, the centred window. Here the view is affine, the blur any number, and light from beside
the window is used where the HR frames show it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.frames.resize import center_crop
from farview.frames.sensor_noise import Floats
from farview.frames.source import Image

FINE = 8
"""Parts of an eLR pixel along each side, in which HR frames are kept and seen."""
MARGIN = 3
"""eLR pixels around the view from which blur brings light."""
LEAST = 3
"""HR pixels along each side of an eLR pixel that a fit needs."""


@dataclass(frozen=True)
class View:
    """The eLR pixel at u (x, y from the centre, eLR pixels) looks at (I + turn) u + shift in the centred window."""

    turn: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """xx, xy, yx, yy"""
    shift: tuple[float, float] = (0.0, 0.0)
    """x, y in eLR pixels"""


@dataclass(frozen=True)
class Geometry:
    """The eLR and HR frames' sizes, (h, w) and (H, W)."""

    elr: tuple[int, int]
    hr: tuple[int, int]

    @property
    def pixel(self) -> tuple[float, float]:
        """HR pixels along an eLR pixel of the centred window, (rows, columns)."""
        _, _, height, width = center_crop(*self.hr, *self.elr)
        return height / self.elr[0], width / self.elr[1]

    @property
    def kept(self) -> tuple[int, int]:
        """Size at which HR frames are kept: not finer than `FINE` parts of an eLR pixel."""
        return (
            round(self.hr[0] * min(1, FINE / self.pixel[0])),
            round(self.hr[1] * min(1, FINE / self.pixel[1])),
        )

    def keep(self, frame: Image) -> NDArray[np.uint8]:
        """An HR frame (H, W, C) at that size, (H', W', C)."""
        if frame.shape[:2] == self.kept:
            return frame
        small = cv2.resize(frame, self.kept[::-1], interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8).reshape(*self.kept, frame.shape[2])

    def look(self, kept: NDArray[np.float32], view: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Kept frames (N, H', W') as `view` sees them, in parts of eLR pixels, with margin, and which parts they show.

        (N, (h + 2 MARGIN) FINE, (w + 2 MARGIN) FINE) and without N, 1 inside the HR frame.
        """
        rows, columns = ((side + 2 * MARGIN) * FINE for side in self.elr)
        to_hr = np.diag(
            [self.kept[1] / self.hr[1] * self.pixel[1], self.kept[0] / self.hr[0] * self.pixel[0]]
        )
        linear = to_hr @ (np.eye(2) + np.reshape(view.turn, (2, 2)))
        centre = np.array([columns, rows]) / 2 - 0.5  # of the grid, whose pixels are at whole numbers
        offset = to_hr @ np.array(view.shift) + np.array(self.kept[::-1]) / 2 - 0.5 - linear @ centre / FINE
        matrix = np.column_stack([linear / FINE, offset])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        seen = [
            cv2.warpAffine(k, matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
            for k in kept
        ]
        inside = cv2.warpAffine(
            np.ones(self.kept, np.float32), matrix, (columns, rows), flags=cv2.WARP_INVERSE_MAP
        )
        return np.stack(seen), np.asarray(inside, np.float32)

    def degrade(self, seen: NDArray[np.float32], variance: float) -> Floats:
        """What pixels of blur `variance` (eLR pixels, squared) make of what `look` returned: (..., h, w)."""
        rows, columns = (_weights(side, variance).astype(np.float32) for side in self.elr)
        return np.asarray(rows @ seen @ columns.T, np.float64)

    def degrade_shifted(self, seen: NDArray[np.float32], variance: float, shifts: Sequence[float]) -> Floats:
        """`degrade` at every pair of S shifts (rows, columns; eLR pixels, less than `MARGIN`): (S, S, ..., h, w)."""
        rows, columns = (
            np.concatenate([_weights(side, variance, s) for s in shifts]).astype(np.float32)
            for side in self.elr
        )
        every = rows @ seen @ columns.T  # (..., S h, S w)
        split = every.reshape(*seen.shape[:-2], len(shifts), self.elr[0], len(shifts), self.elr[1])
        return np.moveaxis(split, (-4, -2), (0, 1)).astype(np.float64)


@lru_cache(maxsize=64)
def _weights(side: int, variance: float, shift: float = 0.0) -> Floats:
    """(side, (side + 2 MARGIN) FINE): the area of a pixel, blurred by a Gaussian. Rows sum to 1."""
    from scipy.special import ndtr

    sigma = np.sqrt(max(variance, 1e-6))
    place = (np.arange((side + 2 * MARGIN) * FINE) + 0.5) / FINE - MARGIN - shift
    left = place - np.arange(side)[:, None]
    weights = ndtr(left / sigma) - ndtr((left - 1) / sigma)
    return weights / weights.sum(1, keepdims=True)
