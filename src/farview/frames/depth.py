"""Depth recordings of MSR-Action3D as grey frames."""

import hashlib
import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview.errors import UnreadableClip
from farview.frames.reader import LoadedReader, file_fingerprint, reason_of
from farview.frames.source import Images

PERCENTILES = (0.1, 99.9)
"""Of a clip's foreground depths: what becomes the brightest and the darkest grey. Wider keeps the depth of an arm
stretched out, which a linear classifier at 12x16 and 6x8 pixels needs (training subjects, one left out in turn)."""
DARKEST = 64
"""Grey of the farthest foreground."""
MARGIN = 0.05
"""Added to the person's box on each side, as a share of its height and of its width."""


@dataclass(frozen=True)
class DepthFile:
    """A `.mat` file whose array `depth` is (H, W, T) unsigned, nearer smaller, background 0.

    Frames are (T, H', W', 1) grey by `depth_to_grey`. With `box` they are cut to the person: the box around all
    foreground of the clip, a margin, grown to 4:3 (width:height). With `distance` 2, 3, ... the frame (box or
    whole) is set into a canvas that many times as high and wide, at a place that depends on the file's name
    only: what a camera that much further away sees.
    """

    path: Path
    box: bool = False
    distance: int = 1

    @property
    def name(self) -> str:
        return str(self.path)

    def fingerprint(self) -> str:
        """Changes with the file's size and time, the settings and the rule for greys.

        Raises `UnreadableClip` where the file is missing.
        """
        return file_fingerprint(self.path, self.box, self.distance, PERCENTILES, DARKEST, MARGIN)

    def open(self) -> LoadedReader:
        """Raises `UnreadableClip` where the file holds no depth recording."""
        if self.distance < 1:
            raise UnreadableClip(f"{self.path}: `distance` must be 1 or more, not {self.distance}")
        depth = _load_depth(self.path)
        frames = depth_to_grey(depth)
        if self.box:
            frames = cut(frames, *person_box(depth > 0))
        if self.distance > 1:
            frames = set_in_canvas(frames, self.distance, self.path.name)
        return LoadedReader(self.name, frames[..., None])


def depth_to_grey(depth: NDArray[Any]) -> NDArray[np.uint8]:
    """Depth (T, H, W), 0 = nothing there, to grey: background 0, foreground 64 (far) to 255 (near).

    Linear between two `PERCENTILES` of all foreground depths **of the clip** and clipped beyond, so that a person
    keeps one grey while nothing moves and a few wild pixels do not squeeze the scale. Foreground never falls
    below `DARKEST`, so its outline stands out whatever its depth.
    """
    foreground = depth > 0
    if not foreground.any():
        return np.zeros(depth.shape, np.uint8)
    near, far = np.percentile(depth[foreground], PERCENTILES)
    nearness = (far - depth.astype(np.float32)) / max(far - near, 1.0)
    return np.where(foreground, np.rint(DARKEST + (255 - DARKEST) * np.clip(nearness, 0, 1)), 0).astype(
        np.uint8
    )


def person_box(foreground: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Top, left, height, width of the foreground (T, H, W) of a clip, with `MARGIN`, grown to exactly 4:3.

    It may reach beyond the frame. Without any foreground it is drawn around the whole frame.
    """
    seen: NDArray[np.bool_] = np.any(foreground, axis=0)  # (H, W)
    if not seen.any():
        seen = np.ones_like(seen)
    rows, columns = np.flatnonzero(np.any(seen, axis=1)), np.flatnonzero(np.any(seen, axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    unit = int(np.ceil((1 + 2 * MARGIN) * max(height / 3, width / 4)))
    top = (rows[0] + rows[-1] + 1 - 3 * unit) // 2
    left = (columns[0] + columns[-1] + 1 - 4 * unit) // 2
    return int(top), int(left), 3 * unit, 4 * unit


def cut(frames: Images, top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
    """The window of frames (T, H, W), 0 where it reaches beyond them, (T, height, width)."""
    window = np.zeros((len(frames), height, width), np.uint8)
    rows = slice(max(top, 0), max(top, 0, min(top + height, frames.shape[1])))
    columns = slice(max(left, 0), max(left, 0, min(left + width, frames.shape[2])))
    window[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = frames[
        :, rows, columns
    ]
    return window


def set_in_canvas(frames: Images, distance: int, name: str) -> NDArray[np.uint8]:
    """Frames (T, H, W) in a black canvas (T, distance H, distance W), at a place drawn uniformly from `name`."""
    count, height, width = frames.shape
    seed = int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=8).digest())
    rng = np.random.default_rng(seed)
    top = int(rng.integers((distance - 1) * height + 1))
    left = int(rng.integers((distance - 1) * width + 1))
    canvas = np.zeros((count, distance * height, distance * width), np.uint8)
    canvas[:, top : top + height, left : left + width] = frames
    return canvas


def _load_depth(path: Path) -> NDArray[Any]:
    """(T, H, W) in the file's own integer type."""
    from scipy.io import loadmat  # late: slow to import

    expected = "expected a MATLAB file (version 5 to 7) with `depth`, (H, W, T) unsigned, as MSR-Action3D has"
    try:
        data = BytesIO(path.read_bytes())
    except OSError as error:
        raise UnreadableClip(f"{path}: {reason_of(error)}") from error
    try:
        depth = loadmat(data, variable_names=["depth"]).get("depth")
    except Exception as error:  # a corrupt file makes loadmat raise almost anything
        raise UnreadableClip(f"{path}: cannot be read ({type(error).__name__}); {expected}") from error
    if depth is None:
        raise UnreadableClip(f"{path}: holds no `depth`; {expected}")
    if depth.ndim == 2:
        depth = depth[..., None]  # MATLAB drops a last dimension of 1
    if depth.ndim != 3 or depth.dtype.kind != "u" or 0 in depth.shape:
        raise UnreadableClip(f"{path}: `depth` has shape {depth.shape}, type {depth.dtype}; {expected}")
    return np.ascontiguousarray(depth.transpose(2, 0, 1))
