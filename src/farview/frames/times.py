"""When each frame of a recording was taken."""

from collections.abc import Iterator

from farview.frames.source import Frames, Image
from farview.frames.video import VideoReader


def timed(frames: Frames, rate: float) -> Iterator[tuple[float, Image]]:
    """Every frame once, in order, with its time in seconds from the first one.

    Videos state times; those of other recordings follow from the frames per second that they state, or else `rate`.
    """
    if isinstance(frames, VideoReader):
        return frames.timed()
    fps = frames.fps or rate
    return ((number / fps, image) for number, image in enumerate(frames))
