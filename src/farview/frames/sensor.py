"""What an extreme-low-resolution camera would have seen: crop, lens blur, area average, noise.

The paper names average down-sampling with a lens-blur and a Gaussian-noise term; their order, the two
sigmas, and degrading the whole frame once, before any augmentation, are our reading.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError
from farview.frames.resize import center_crop
from farview.frames.source import Image, Images

_UNIT = 2.0**16  # the sensor's weights are multiples of 1 / _UNIT


@dataclass(frozen=True)
class SensorModel:
    """A linear sensor, `R @ frame @ C.T` for each channel, and its noise. Validated; raises FarviewError."""

    height: int = 12
    """Rows of an eLR frame; height:width is also the aspect of the centred window that is seen."""
    width: int = 16
    """Columns of an eLR frame."""
    blur: float = 0.3
    """Sigma of the lens' Gaussian point-spread function, in eLR pixels."""
    noise: float = 2.0
    """Sigma of the Gaussian noise, in grey levels of 255."""
    seed: int = 0
    """Another seed is another camera: the same view, other noise."""

    def __post_init__(self) -> None:
        for name, low, high in (("height", 1, 4096), ("width", 1, 4096), ("seed", 0, 2**32 - 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise FarviewError(f"sensor.{name} is {value!r}; it must be a whole number, {low} to {high}")
        for name in ("blur", "noise"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise FarviewError(f"sensor.{name} is {value!r}; it must be a number of at least 0")

    def matrices(self, height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """R (h, `height`) and C (w, `width`): crop, then blur, then area average. Rows sum to exactly 1.

        All weights are whole multiples of 2^-16, so that `R @ frame` of a uint8 frame is exact in float32
        whatever the order of summation, and `R @ frame @ C.T` exact in float64: every machine, library and
        batch size gives the same eLR frame. Raises FarviewError where the frame has fewer pixels than the
        sensor.
        """
        self.refuse(height, width)
        top, left, h, w = center_crop(height, width, self.height, self.width)
        rows, columns = np.zeros((self.height, height)), np.zeros((self.width, width))
        rows[:, top : top + h], columns[:, left : left + w] = self.window_matrices(h, w)
        return rows, columns

    def refuse(self, height: int, width: int) -> None:
        """Raise FarviewError where a frame of that size has fewer pixels than the sensor."""
        _, _, h, w = center_crop(height, width, self.height, self.width)
        if h < self.height or w < self.width:
            raise FarviewError(
                f"a frame of {height}x{width} (height x width) holds too few pixels for a sensor of "
                f"{self.height}x{self.width}: give larger frames or choose a smaller sensor"
            )

    def window_matrices(self, height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """As `matrices`, for frames that show the sensor's window alone, as stored HR frames do."""
        return _weights(self.height, height, self.blur), _weights(self.width, width, self.blur)

    def degrade(self, frames: Images, indices: Sequence[int]) -> Images:
        """What the sensor sees of `frames`: (N, H, W, C) -> (N, h, w, C) uint8.

        `indices` (N) are the frames' numbers in the recording. The noise of a frame depends on the seed, its
        number and its noiseless eLR content alone, so that the same recording gives the same eLR frames
        however it is read. Frames of exactly the sensor's size are eLR already and are returned as they are.
        Raises FarviewError where frames have fewer pixels than the sensor.
        """
        size = self.height, self.width
        if frames.shape[1:3] == size:
            return frames
        out = np.empty((len(frames), *size, frames.shape[3]), np.uint8)
        for target, frame, index in zip(out, frames, indices, strict=True):
            clean = self._clean(frame)
            rng = np.random.default_rng(np.array([self.seed, index, zlib.crc32(clean.tobytes())], np.uint32))
            target[:] = self.add_noise(clean, rng)
        return out

    def add_noise(self, clean: NDArray, rng: np.random.Generator) -> Images:
        """Grey levels of any shape with this sensor's noise, as uint8 of the same shape."""
        if self.noise:
            clean = clean + rng.normal(0.0, self.noise, clean.shape)
        return np.clip(np.rint(clean), 0, 255).astype(np.uint8)

    def _clean(self, frame: Image) -> NDArray[np.float64]:
        """The noiseless eLR frame, not rounded: (H, W, C) -> (h, w, C)."""
        window, group, bands, columns = _prepare(self, *frame.shape[:2])
        view, channels = frame[window], frame.shape[2]
        light = view[::group].astype(np.float32)
        for row in range(1, group):
            cv2.accumulate(view[row::group], light)  # rows of equal weight are added up first
        lines = light.reshape(len(light), -1)  # (H' / group, W'C)
        seen = np.empty((self.height, lines.shape[1]), np.float32)  # (h, W'C), exact
        for line, (rows, weights) in zip(seen, bands, strict=True):
            np.matmul(weights, lines[rows], out=line)
        pixels = seen.reshape(self.height, -1, channels).transpose(0, 2, 1).astype(np.float64)  # (h, C, W')
        pixels = pixels.reshape(self.height * channels, -1) @ columns  # (h C, w), exact
        return np.ascontiguousarray(pixels.reshape(self.height, channels, -1).transpose(0, 2, 1))


class _Prepared(NamedTuple):
    """What `degrade` needs for one frame size. Rows that have the same weights everywhere are one group.

    For each row of the sensor, one product of a vector and the few groups that it sees is faster than a matrix
    product with all rows, most of whose weights are 0.
    """

    window: tuple[slice, slice]
    """The centred window, (H', W')."""
    group: int
    """Rows in a group."""
    bands: list[tuple[slice, NDArray[np.float32]]]
    """For each row of the sensor, the groups that it sees and the weight of each of their rows."""
    columns: NDArray[np.float64]
    """C.T within the window, (W', w)."""


@lru_cache(maxsize=64)
def _prepare(sensor: SensorModel, height: int, width: int) -> _Prepared:
    rows, columns = sensor.matrices(height, width)
    top, left, h, w = center_crop(height, width, sensor.height, sensor.width)
    group = _group(sensor.height, h, sensor.blur)
    bands = []
    for weights in rows[:, top : top + h : group]:
        seen = np.flatnonzero(weights)
        band = slice(int(seen[0]), int(seen[-1]) + 1)
        bands.append((band, weights[band].astype(np.float32)))
    window = slice(top, top + h), slice(left, left + w)
    return _Prepared(window, group, bands, np.ascontiguousarray(columns[:, left : left + w].T))


def _weights(out: int, size: int, blur: float) -> NDArray[np.float64]:
    """(out, size): Gaussian blur of sigma `blur` * size / out, then the area average to `out` pixels.

    The Gaussian is sampled at the pixels' centres and renormalised at the edges: nothing is known of the
    light that falls beside the window. Weights that hardly differ are averaged over groups of pixels.
    """
    pixel = np.arange(size)
    edges = np.arange(out + 1)[:, None] * size / out
    area = np.clip(edges[1:], pixel, pixel + 1) - np.clip(edges[:-1], pixel, pixel + 1)  # coverage
    weights = area * out / size
    if blur:
        spread = np.exp(-0.5 * ((pixel[:, None] - pixel) * out / (blur * size)) ** 2)
        weights = weights @ (spread / spread.sum(1, keepdims=True))
    group = _group(out, size, blur)
    groups = weights.reshape(out, -1, group).sum(2)
    return np.repeat(_fixed_point(groups, _UNIT / group) / group, group, axis=1)


def _group(out: int, size: int, blur: float) -> int:
    """How many of `size` neighbouring pixels may have the same weight: a power of 2.

    Groups fit the `out` pixels, so that the area average stays exact, and are at most a quarter of the blur's
    sigma, which changes what is seen by less than one grey level even of full-contrast noise or stripes.
    """
    group = 1
    while size % (2 * group * out) == 0 and (blur == 0 or 8 * group * out <= blur * size):
        group *= 2
    return group


def _fixed_point(weights: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """Multiples of 1 / `unit` that still sum to 1 in each row and keep the matrix's mirror symmetry."""
    fine = 2.0**40
    total = np.pad(np.cumsum(weights, axis=1), ((0, 0), (1, 0)))  # 0 .. 1 along each row
    total = np.rint(total * fine)
    total += fine - total[::-1, ::-1]  # whole numbers 0 .. 2 * fine, now exactly antisymmetric
    return np.diff(np.rint(total * (unit / (2 * fine))), axis=1) / unit  # ties to even keep the symmetry
