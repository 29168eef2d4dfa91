"""The verb `farview render`: an eLR recording as an MP4 that any player shows."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace

from farview.errors import FarviewError
from farview.frames.files import atomic_write
from farview.frames.open import source_of
from farview.frames.source import Image
from farview.frames.times import timed

Style = Literal["blocks", "bilinear"]
"""Each pixel as a rectangle of one colour, or colours that flow into each other, as networks see them."""

_MILLISECOND = Fraction(1, 1000)


def render(
    recording: str | Path, out: str | Path, style: Style = "blocks", height: int = 480, rate: float = 25.0
) -> int:
    """Write every frame of `recording` at its own time into an H.264 film, `height` pixels high; returns their number.

    Anything that `farview.frames.open` reads is taken, `rate` (frames per second) being for what states none.
    Sides are rounded to even numbers, as H.264's common form (yuv420p) wants them. Raises `FarviewError` where
    `recording` cannot be read or `out` cannot be written.
    """
    out = Path(out)
    if out.suffix.lower() != ".mp4":
        raise FarviewError(f"{out}: films are MP4 files; name it {out.with_suffix('.mp4')}")
    if out.exists():
        raise FarviewError(f"{out}: is there already; remove it or name another file")
    if not 2 <= height <= 4096:
        raise FarviewError(f"--height: {height} must be 2 to 4096 pixels")
    if not 0 < rate < math.inf:
        raise FarviewError(f"--rate: {rate} must be above 0, in frames per second")
    count, last = 0, -1
    with source_of(recording).open() as frames, atomic_write(out) as file:
        # By its name: PyAV prints tracebacks where writing to a Python file fails.
        container = av.open(file.name, "w", format="mp4", options={"movflags": "+faststart"})
        with container:
            stream = container.add_stream("libx264", _rational(frames.fps or rate), options={"crf": "16"})
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = _MILLISECOND
            for moment, frame in timed(frames, rate):
                if count == 0:
                    stream.height, stream.width = size_of(frame, height)
                picture = av.VideoFrame.from_ndarray(
                    enlarged(frame, (stream.height, stream.width), style), "rgb24"
                )
                picture = picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU601)
                last = max(last + 1, round(1000 * moment))
                picture.pts, picture.time_base = last, _MILLISECOND
                container.mux(stream.encode(picture))
                count += 1
            container.mux(stream.encode(None))
    return count


def size_of(frame: Image, height: int) -> tuple[int, int]:
    """Height and width of the film, both even, in the frame's own aspect as nearly as that goes."""
    width = height * frame.shape[1] / frame.shape[0]
    return 2 * round(height / 2), max(2, 2 * round(width / 2))


def enlarged(frame: Image, size: tuple[int, int], style: Style) -> Image:
    """(h, w, 1 or 3) -> (*size, 3)."""
    how = cv2.INTER_NEAREST_EXACT if style == "blocks" else cv2.INTER_LINEAR
    large = cv2.resize(frame, size[::-1], interpolation=how).reshape(*size, frame.shape[2])
    return np.ascontiguousarray(np.broadcast_to(large, (*size, 3)), np.uint8)


def _rational(rate: float) -> Fraction:
    return Fraction(rate).limit_denominator(1001)
