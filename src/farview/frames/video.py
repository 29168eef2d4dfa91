"""Video files by PyAV: exact frames by index, whatever the file's header claims."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from farview.errors import UnreadableClip
from farview.frames.decoder import Decoder, PacketIndex, orientation_of, packet_index
from farview.frames.reader import Reader, file_fingerprint
from farview.frames.source import Image, Images

KEEP_BYTES = 256 << 20
"""Decoded (not yet RGB) frames of an opened video that are kept: about 2,000 of 340x256, 80 of 1920x1080."""

_FRAME_OVERHEAD = 4096  # bytes that a decoded frame takes beside its pixels
_SEEK_GAIN = 8  # frames: reading on over fewer costs less than a seek


@dataclass(frozen=True)
class VideoFile:
    """A video file. Frames are upright (the display matrix is applied), RGB, (H, W, 3), at their coded size.

    Frame i is the i-th frame that a decoder yields from the start to the end; what cannot be decoded is left
    out. Times play no part: frames of variable rate count one by one. Grey video gives three equal channels.
    """

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def fingerprint(self) -> str:
        """Changes with the file's size and time. Raises `UnreadableClip` if it is missing."""
        return file_fingerprint(self.path)

    def open(self) -> "VideoReader":
        """Decodes the first frame. Raises `UnreadableClip` with the reason where there is none to decode."""
        return VideoReader(self.path)


class VideoReader(Reader):
    """An opened video.

    Iterating decodes once and converts every frame. `len` and `read` decode the video once and keep the frames
    as decoded, so that the count is exact and only what is asked for is converted. Where they would need more
    than `KEEP_BYTES`, the packets are counted instead, which is exact unless the file is corrupt, and `read`
    seeks; containers and codecs that do not allow that are decoded once to count and again to read.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._decoder: Decoder | None = Decoder(path)
        self.fps = self._decoder.fps
        first = self._decoder.first
        self._height, self._width = first.height, first.width
        self._orientation = orientation_of(first)
        self._channels = 3
        self._reformatter = VideoReformatter()
        self._count: int | None = None  # None: not counted yet
        self._kept: list[VideoFrame] | None = None  # every frame, of a video that fits
        self._index: PacketIndex | None = None  # of one that does not, if it can be trusted
        self._position = 0  # number of the frame that `_decoder` yields next, once counted
        self._last: VideoFrame | None = None  # the frame before that
        self._closed = False

    def __len__(self) -> int:
        if self._count is None:
            self._scan()
        assert self._count is not None
        return self._count

    def __iter__(self) -> Iterator[Image]:
        return map(self._rgb, self._every())

    def timed(self) -> Iterator[tuple[float, Image]]:
        """Every frame once, in order, with its time of presentation in seconds from the first one.

        Where times are missing or run backwards, the next is `1 / fps` later.
        """
        start, time, step = 0.0, 0.0, 1 / (self.fps or 25)
        for number, frame in enumerate(self._every()):
            stated = time if frame.time is None else frame.time - start
            if number and stated > time:
                time = stated
            else:
                time += step if number else 0.0
                start = start if frame.time is None else frame.time - time
            yield time, self._rgb(frame)

    def _every(self) -> Iterator[VideoFrame]:
        self._check_open()
        if self._kept is not None:
            yield from self._kept
            return
        with self._fresh_decoder() as decoder:
            for frame in decoder:
                self._check_open()
                yield frame

    def _read(self, numbers: NDArray[np.int64]) -> Images:
        self._check_open()
        transposed = self._orientation.transpose
        shape = (self._width, self._height) if transposed else (self._height, self._width)
        images = np.empty((len(numbers), *shape, self._channels), np.uint8)
        for place in np.argsort(numbers, kind="stable"):
            images[place] = self._rgb(self._frame(int(numbers[place])))
        return images

    def close(self) -> None:
        if self._decoder is not None:
            self._decoder.close()
        self._decoder, self._kept, self._last, self._closed = None, None, None, True

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.name}: reading from a closed video")

    def _fresh_decoder(self) -> Decoder:
        """At the first frame; the one that opening began with, if nobody has used it."""
        decoder, self._decoder = self._decoder, None
        if decoder is not None and decoder.used:
            decoder.close()
            decoder = None
        return decoder or Decoder(self._path)

    def _scan(self) -> None:
        """Count the frames; keep them where they fit, otherwise find out whether seeking can be trusted."""
        self._check_open()
        kept: list[VideoFrame] | None = []
        count = 0
        with self._fresh_decoder() as decoder:
            room = KEEP_BYTES // (_FRAME_OVERHEAD + sum(plane.buffer_size for plane in decoder.first.planes))
            for frame in decoder:
                count += 1
                if kept is None:
                    continue
                kept.append(frame)
                if count > room:
                    index = packet_index(self._path)
                    if index is not None and index.times[:count] == [frame.pts for frame in kept]:
                        self._index, count = index, len(index.times)
                    kept = None
                    if self._index is not None:
                        break
        self._kept, self._count = kept, count

    def _frame(self, number: int) -> VideoFrame:
        if self._kept is not None:
            return self._kept[number]
        if self._last is not None and number == self._position - 1:
            return self._last
        if number < len(self):
            for frame in self._decoder_before(number):
                if self._index is not None and frame.pts != self._index.times[self._position]:
                    break
                self._position += 1
                if self._position > number:
                    self._last = frame
                    return frame
            if self._index is not None:  # the packets promised what the decoder does not yield: corrupt
                self._recount()
                return self._frame(number)
        raise UnreadableClip(
            f"{self.name}: corrupt: only {len(self)} frames can be decoded, not frame {number}"
        )

    def _decoder_before(self, number: int) -> Decoder:
        """A decoder at or before frame `number`: further on, or from a keyframe, or from the start."""
        keys = [0] if self._index is None else self._index.keys
        key = keys[max(bisect_right(keys, number) - 1, 0)]
        ahead = self._decoder is not None and self._position <= number
        if self._decoder is not None and ahead and key <= self._position + _SEEK_GAIN:
            return self._decoder
        if self._index is not None and key > 0:
            self._decoder = self._decoder or Decoder(self._path)
            if self._decoder.seek(self._index.times[key]):
                self._position = key
                return self._decoder
            self._index.keys[:] = [0]  # what the file calls keyframes are none: never seek again
        self._decoder, self._position = self._fresh_decoder(), 0
        return self._decoder

    def _recount(self) -> None:
        """Count what is really decoded; no index from here on."""
        with self._fresh_decoder() as decoder:
            self._index, self._last, self._count = None, None, sum(1 for _ in decoder)

    def _rgb(self, frame: VideoFrame) -> Image:
        # One thread: with PyAV's default, a pool a frame, converting a small frame takes four times as long.
        converted = self._reformatter.reformat(frame, self._width, self._height, "rgb24", threads=1)
        return self._orientation.apply(np.asarray(converted.to_ndarray(), np.uint8))
