"""The sensor's two matrices as JSON, for the page to make eLR frames with."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from farview.deploy.serve.limits import Refused
from farview.errors import FarviewError
from farview.frames.sensor import SensorModel

LONGEST = 1280
"""Side of a frame, pixels, as the page scales them: the matrices' making takes memory that grows with its square."""
UNIT = 2**16
"""Weights are whole multiples of 1 / UNIT."""


class Band(BaseModel):
    """A row of a matrix: weights, in units, from pixel `start` on; 0 elsewhere."""

    start: int
    weights: list[int]


class Matrices(BaseModel):
    """An eLR frame is round(R @ frame @ C.T / unit**2 + noise), clipped to 0..255, for each channel."""

    height: int
    width: int
    unit: int
    noise: float
    rows: list[Band]
    columns: list[Band]


@lru_cache(maxsize=32)
def matrices(sensor: SensorModel, height: int, width: int, rows: int | None = None) -> Matrices:
    """For frames of `height` x `width`; with `rows`, of a sensor of so many rows, the same aspect and no noise.

    Raises `Refused` (400) for frames that are too large, or too small for the sensor.
    """
    if max(height, width) > LONGEST:
        raise Refused(
            400, f"frames of {height}x{width} are too large; scale them to at most {LONGEST} pixels"
        )
    if rows is not None:
        columns = max(1, round(rows * sensor.width / sensor.height))
        sensor = replace(sensor, height=rows, width=columns, noise=0.0)
    try:
        r, c = sensor.matrices(height, width)
    except FarviewError as error:
        raise Refused(400, str(error)) from None
    return Matrices(
        height=height, width=width, unit=UNIT, noise=sensor.noise, rows=_bands(r), columns=_bands(c)
    )


def _bands(matrix: NDArray[np.float64]) -> list[Band]:
    bands = []
    for row in (matrix * UNIT).astype(np.int64):
        seen = np.flatnonzero(row)
        bands.append(Band(start=int(seen[0]), weights=row[seen[0] : seen[-1] + 1].tolist()))
    return bands
