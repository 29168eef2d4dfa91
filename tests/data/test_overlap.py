"""Clips that share frames: by path, by range, through links."""

from pathlib import Path

from farview.data.clip import Clip
from farview.data.mime import MimeClip
from farview.data.overlap import apart
from farview.frames.arrays import ArrayFrames
from farview.frames.segment import Segment
from farview.frames.source import Source
from farview.frames.video import VideoFile


def clips(*sources: Source) -> list[Clip]:
    return [Clip(str(number), source, None, "train") for number, source in enumerate(sources)]


def kept(sources: list[Source], others: list[Source]) -> list[str]:
    return [clip.id for clip in apart(clips(*sources), clips(*others))]


def test_frames_that_are_shared(tmp_path: Path) -> None:
    video, array = VideoFile(tmp_path / "a.mp4"), tmp_path / "a.npz"
    (tmp_path / "link").symlink_to(tmp_path)
    assert kept([video, VideoFile(tmp_path / "link" / "a.mp4"), VideoFile(tmp_path / "b.mp4")], [video]) == [
        "2"
    ]
    first, second, middle = (Segment(video, *place) for place in ((0, 10), (10, 20), (5, 15)))
    assert kept([first, second, middle], [first]) == ["1"]
    assert kept([first, second], [video]) == [] == kept([video], [second])
    parts: list[Source] = [ArrayFrames(array, 0, 5, low=1, high=2), ArrayFrames(array, 5, 9)]
    assert kept([*parts, ArrayFrames(array, 4)], [ArrayFrames(array, 0, 5)]) == ["1"]
    assert kept([MimeClip(0, "test", 3), MimeClip(0, "train", 3)], [MimeClip(0, "test", 3)]) == ["1"]
