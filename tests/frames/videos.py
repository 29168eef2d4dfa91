"""Small video files of every awkward kind, written with PyAV, and a plain decoder to compare with."""

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def moving_picture(count: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Frames that all differ, upright by their look: (count, height, width, 3). A block moves over a slope."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    frames = np.empty((count, height, width, 3), np.uint8)
    for n in range(count):
        image = np.stack(
            [rows * 160 // height, columns * 160 // width, np.full_like(rows, n * 7 % 160)], axis=-1
        )
        y, x = rng.integers(height), rng.integers(width)
        image[y : y + height // 3, x : x + width // 3] += 90
        frames[n] = image
    return frames


def write_video(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Iterable[int] | None = None,
    options: dict[str, str] | None = None,
    rotation: int = 0,
    container_options: dict[str, str] | None = None,
) -> Path:
    """`frames` (H, W, 3) or (H, W) as a video of 25 frames a second, or at `times` in 1/25 s."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = Fraction(1, 25)
        stream.codec_context.thread_count = 1
        if rotation:
            stream.set_display_rotation(rotation)
        for time, image in zip(times or range(len(frames)), frames, strict=True):
            frame = av.VideoFrame.from_ndarray(image, "rgb24" if image.ndim == 3 else "gray")
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def plain_decode(path: Path) -> NDArray[np.uint8]:
    """Every frame that PyAV decodes one after the other, errors skipped: the definition of frame i."""
    images = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            try:
                images += [frame.to_ndarray(format="rgb24") for frame in packet.decode()]
            except av.FFmpegError:
                continue
    return np.stack(images)


def boxes(data: bytes, name: bytes) -> list[int]:
    """Where the contents of MP4 boxes of that name begin, by search for the name."""
    places, start = [], data.find(name)
    while start >= 0:
        places.append(start + 4)
        start = data.find(name, start + 4)
    return places


def set_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Write the display matrix of an MP4's only track by hand (ISO 14496-12, 8.3.2, `tkhd` version 0)."""
    data = bytearray(path.read_bytes())
    (place,) = boxes(bytes(data), b"tkhd")
    one, end = 1 << 16, 1 << 30
    struct.pack_into(">9i", data, place + 40, a * one, b * one, 0, c * one, d * one, 0, 0, 0, end)
    path.write_bytes(data)


def skip_start(path: Path, ticks: int) -> None:
    """Make the edit list of an MP4's only track begin `ticks` of its media time later."""
    data = bytearray(path.read_bytes())
    (place,) = boxes(bytes(data), b"elst")
    count = struct.unpack_from(">I", data, place + 4)[0]
    entry = place + 8 + 12 * (count - 1) + 4
    struct.pack_into(">i", data, entry, struct.unpack_from(">i", data, entry)[0] + ticks)
    path.write_bytes(data)
