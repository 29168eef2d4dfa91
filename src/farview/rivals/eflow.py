"""Optical flow of stored clips as frames of two channels, for the rivals' second stream."""

from collections.abc import Callable

import numpy as np

from farview.frames.source import Images, Source
from farview.frames.store import FrameStore
from farview.rivals.descriptors import enlarged, flow

BOUND = 20 / 340
"""Motion, as a share of the frame's width, that the largest level stands for: 20 pixels of a full-size frame."""
MOST = 2**30
"""Bytes of flow that a store keeps in memory; beyond that, flow is computed each time that it is asked for."""


def flow_frames(frames: Images) -> Images:
    """Motion to the next frame, right and down: (T, H, W, C) uint8 to (T, H, W, 2) uint8; the last frame repeats it.

    128 is none, 1 and 255 are `BOUND`. Dense inverse search on grey frames enlarged as PoT's descriptors have them,
    averaged back to H x W.
    """
    _, height, width, _ = frames.shape
    grey = enlarged(frames)
    factor = grey.shape[1] // height
    fields = np.stack(flow(grey), axis=-1) / (BOUND * grey.shape[2])  # (T, H * factor, W * factor, 2)
    fields = fields.reshape(-1, height, factor, width, factor, 2).mean((2, 4))
    return np.rint(128 + 127 * fields.clip(-1, 1)).astype(np.uint8)


class FlowStore:
    """The flow of a frame store's clips, asked for as the frames are."""

    def __init__(self, frames: FrameStore) -> None:
        self._frames = frames
        self._kept: dict[tuple[str, Source], Images] = {}
        self._room = MOST

    def elr(self, source: Source) -> Images:
        """Flow of the eLR frames, (T, h, w, 2)."""
        return self._flow("elr", source, self._frames.elr)

    def hr(self, source: Source) -> Images:
        """Flow of the HR frames, (T, H, W, 2)."""
        return self._flow("hr", source, self._frames.hr)

    def length(self, source: Source) -> int:
        """Number of frames T."""
        return self._frames.length(source)

    def _flow(self, kind: str, source: Source, read: Callable[[Source], Images]) -> Images:
        if (kind, source) in self._kept:
            return self._kept[kind, source]
        found = flow_frames(np.asarray(read(source)))
        if found.nbytes <= self._room:
            self._room -= found.nbytes
            self._kept[kind, source] = found
        return found
