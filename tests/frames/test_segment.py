"""A range of a recording is a recording."""

from pathlib import Path

import numpy as np
import pytest
from videos import moving_picture, write_video

from farview.errors import UnreadableClip
from farview.frames.arrays import ArrayFrames
from farview.frames.segment import Segment
from farview.frames.video import VideoFile


@pytest.fixture
def whole(tmp_path: Path) -> ArrayFrames:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).integers(0, 256, (50, 4, 6, 3), np.uint8))
    return ArrayFrames(tmp_path / "a.npy")


def test_frames_are_those_of_the_range(whole: ArrayFrames) -> None:
    with whole.open() as frames:
        expected = frames.read(range(50))[7:43]
    with Segment(whole, 7, 43).open() as part:
        assert len(part) == 36
        assert np.array_equal(np.stack(list(part)), expected)
        assert np.array_equal(part.read([35, 0, 0]), expected[[35, 0, 0]])
        for outside in (-1, 36):
            with pytest.raises(IndexError):
                part.read([outside])


def test_the_rate_is_that_of_the_whole(tmp_path: Path, whole: ArrayFrames) -> None:
    video = write_video(tmp_path / "a.mp4", list(moving_picture(8, 32, 48)))
    with Segment(VideoFile(video), 2, 6).open() as part:
        assert part.fps == 25
    with Segment(whole, 7, 43).open() as part:
        assert part.fps is None


@pytest.mark.parametrize(("start", "stop"), [(0, 51), (-1, 3), (5, 5), (50, 51)])
def test_frames_that_are_not_there_are_named(whole: ArrayFrames, start: int, stop: int) -> None:
    with pytest.raises(UnreadableClip, match=rf"a.npy\[{start}:{stop}\]: no such frames: there are 50"):
        Segment(whole, start, stop).open()


def test_the_range_is_part_of_name_and_fingerprint(whole: ArrayFrames) -> None:
    segments = [Segment(whole, 0, 3), Segment(whole, 0, 4), Segment(whole, 1, 4)]
    assert len({s.fingerprint() for s in segments}) == len({s.name for s in segments}) == 3
