"""Long recordings with labelled spans as a data set: spans and the background between them, by hand."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.frames.videos import moving_picture, write_video

from farview.cli import main
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.spans import Span, background, read_spans, times_of
from farview.errors import FarviewError, UnreadableClip
from farview.frames.open import source_of
from farview.frames.recording import read


def test_windows_between_spans() -> None:
    spans = [Span(2, 4, "a"), Span(3, 3.5, "b"), Span(9.5, 10, "a")]
    made = [(span.start, span.end) for span in background(spans, 14, 2.0)]
    assert made == [(0, 2), (4, 6), (6, 8), (10, 12), (12, 14)]
    assert [span.label for span in background([], 5, 2.0)] == ["background"] * 2


def make(tmp_path: Path) -> Path:
    """Two eLR recordings of 40 frames at 25 a second, from videos."""
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mp4", moving_picture(40, 24, 32, ord(name)))
        words = ["--height", "6", "--width", "8", "--quiet"]
        main(["record", str(tmp_path / f"{name}.mp4"), str(tmp_path / f"{name}.mkv"), *words])
    return tmp_path / "spans.csv"


def test_spans_and_background_are_clips_of_their_recordings(tmp_path: Path) -> None:
    table = make(tmp_path)
    table.write_text(
        "path,start,end,label,split\na.mkv,0.4,0.8,wave,train\na.mkv,1.2,1.6,fall,train\nb.mkv,,,,test\n"
    )
    data = open_data(DataConfig(f"folder:{table}"))
    assert data.classes == ("background", "fall", "wave")
    assert [(clip.id, data.classes[clip.label or 0], clip.part, clip.group) for clip in data.clips] == [
        ("a.mkv[10:20]", "wave", "train", "a.mkv"),
        ("a.mkv[30:40]", "fall", "train", "a.mkv"),
        ("a.mkv[0:10]", "background", "train", "a.mkv"),
        ("a.mkv[20:30]", "background", "train", "a.mkv"),
        *((f"b.mkv[{n}:{n + 10}]", "background", "test", "b.mkv") for n in range(0, 40, 10)),
    ]
    frames, _ = read(tmp_path / "a.mkv")
    with data.clips[0].source.open() as opened:
        np.testing.assert_array_equal(opened.read(range(10)), frames[10:20])
    assert "2 recordings: 2 spans with an action, 6 of background" in data.notes


def test_without_a_split_whole_recordings_are_held_out(tmp_path: Path) -> None:
    table = make(tmp_path)
    lines = [f"{name}.mkv,0.4,0.8,wave" for name in "ab"]
    table.write_text("\n".join(["path,start,end,label", *lines]))
    data = open_data(DataConfig(f"folder:{table}", test_share=0.5))
    assert {clip.group: clip.part for clip in data.clips} in (
        {"a.mkv": "train", "b.mkv": "test"},
        {"a.mkv": "test", "b.mkv": "train"},
    )


def test_recordings_may_lie_elsewhere(tmp_path: Path) -> None:
    make(tmp_path)
    table = tmp_path / "labels" / "spans.csv"
    table.parent.mkdir()
    table.write_text(f"path,start,end,label\n{tmp_path}/a.mkv,0.4,0.8,wave\n../b.mkv,0.4,0.8,wave\n")
    data = open_data(DataConfig(f"folder:{table}", test_share=0))
    assert [clip.id for clip in data.clips if data.classes[clip.label or 0] == "wave"] == [
        "../a.mkv[10:20]",
        "../b.mkv[10:20]",
    ]


def test_who_it_is_in_other_recordings(tmp_path: Path) -> None:
    """Windows of one recording are alike: two recordings of each person, one of them in test."""
    table = make(tmp_path)
    for copy in ("c", "d"):
        shutil.copy(tmp_path / "a.mkv", tmp_path / f"{copy}.mkv")
    people = {"a": "ann", "b": "bob", "c": "ann", "d": "bob"}
    lines = [f"{name}.mkv,0.4,0.8,wave,{who}" for name, who in people.items()]
    table.write_text("\n".join(["path,start,end,label,group", *lines]))
    data = open_data(DataConfig(f"folder:{table}", recognise="group", test_share=0.5))
    assert data.classes == ("ann", "bob")
    parts = {(clip.label, clip.id.partition("[")[0], clip.part) for clip in data.clips}
    assert len(parts) == 4 and sorted((label, part) for label, _, part in parts) == [
        (0, "test"),
        (0, "train"),
        (1, "test"),
        (1, "train"),
    ]


def test_times_are_those_of_the_frames(tmp_path: Path) -> None:
    steps = np.cumsum([1, 3, 2, 1, 5, 1, 1, 2])  # in 1/25 s
    write_video(tmp_path / "a.mp4", moving_picture(8, 24, 32), times=steps.tolist())
    times = times_of(source_of(tmp_path / "a.mp4"))
    np.testing.assert_allclose(times[:-1], (steps - 1) / 25, atol=1e-4)
    assert times[-1] > times[-2]
    np.save(tmp_path / "a.npy", np.zeros((5, 6, 8, 3), np.uint8))
    with pytest.raises(UnreadableClip, match="states no frames per second"):
        times_of(source_of(tmp_path / "a.npy"))


def test_tables_that_cannot_be_used(tmp_path: Path) -> None:
    table = make(tmp_path)
    for text, expected in (
        ("a.mkv,1,1,wave,x,train", "line 2: from '1' to '1'"),
        ("a.mkv,x,2,wave,x,train", "line 2: from 'x'"),
        ("a.mkv,0,1,,x,train", "line 2: no label"),
        (",1,2,wave,x,train", "no path"),
        ("a.mkv,0,1,wave,x,train\na.mkv,1,2,wave,y,train", "line 3: another group or split than in .*line 2"),
        ("a.mkv,0,1,wave,x,tests", "line 2: unknown split 'tests'"),
        ("a.mkv,5,6,wave,x,train", r"line 2: no frames from 5 to 6 s of .*a\.mkv"),
        ("a.mkv,,,,x,train", "labels no spans"),
    ):
        table.write_text(f"path,start,end,label,group,split\n{text}\n")
        with pytest.raises(FarviewError, match=expected):
            open_data(DataConfig(f"folder:{table}"))
    table.write_text("path,start,end,label\n")
    with pytest.raises(FarviewError, match="names no recordings"):
        read_spans(table)
