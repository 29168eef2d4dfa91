"""One's own recordings: class folders and CSV files, divided by group, and every mistake named."""

import csv
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farview.data.clip import DataSet
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.errors import FarviewError


def table(root: Path, touch, header: str, *lines: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "clips.csv").write_text("\n".join((header, *lines)) + "\n")
    names = [name.strip() for name in header.split(",")]
    paths = [line.split(",")[names.index("path")].strip() for line in lines if "path" in names]
    touch(root, [path for path in paths if path])
    return root


def parts(data: DataSet) -> dict[str, str]:
    return {clip.id: clip.part for clip in data.clips}


def test_the_fights_are_divided_by_source_video(data_root: Path) -> None:
    root = data_root / "fights"
    with (root / "clips.csv").open() as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    for source in (f"folder:{root}", f"folder:{root / 'clips.csv'}"):
        data = open_data(DataConfig(source))
        assert {c.id: (data.classes[c.label or 0], c.group) for c in data.clips} == {
            path: (row["label"], row["group"]) for path, row in rows.items()
        }
        assert not {c.group for c in data.part("train")} & {c.group for c in data.part("test")}
        assert 0.25 < len(data.part("test")) / 165 < 0.35
        assert len({c.label for c in data.part("test")}) == 2
        assert all(Path(c.source.name).is_file() for c in data.clips)
    assert parts(open_data(DataConfig(f"folder:{root}", split="2"))) != parts(data)  # the seed


def test_class_folders_hold_videos_image_folders_and_arrays(tmp_path: Path, touch) -> None:
    touch(
        tmp_path,
        ["wave/a.mp4", "wave/deep/er/b.AVI", "fall/[x].mkv", "fall/c.npy", "fall/notes.txt", "fall/.d.mp4"],
    )
    touch(tmp_path, ["README.md", ".git/e.mp4", "stray.mp4"])
    (tmp_path / "wave" / "deep" / "around").symlink_to(
        tmp_path / "wave"
    )  # clips found twice would be twice in training
    for i in range(3):
        folder = tmp_path / "wave" / "pictures"
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{i}.png"), np.zeros((2, 2), np.uint8))
    data = open_data(DataConfig(f"folder:{tmp_path}", test_share=0))
    assert data.classes == ("fall", "wave")
    assert [(c.id, c.label) for c in data.clips] == [
        ("fall/[x].mkv", 0),
        ("fall/c.npy", 0),
        ("wave/a.mp4", 1),
        ("wave/deep/er/b.AVI", 1),
        ("wave/pictures", 1),
    ]
    assert {c.part for c in data.clips} == {"train"}
    assert any("2 files are left out" in note and "fall/notes.txt" in note for note in data.notes)


def test_without_groups_the_data_set_says_so(tmp_path: Path, touch) -> None:
    touch(tmp_path, [f"{name}/{i}.mp4" for name in ("a", "b") for i in range(10)])
    data = open_data(DataConfig(f"folder:{tmp_path}"))
    assert Counter((c.label, c.part) for c in data.clips) == Counter(
        {(0, "train"): 7, (1, "train"): 7, (0, "test"): 3, (1, "test"): 3}
    )
    assert any("no groups" in note and "flatters" in note for note in data.notes)
    assert parts(data) == parts(open_data(DataConfig(f"folder:{tmp_path}")))
    assert {c.part for c in open_data(DataConfig(f"folder:{tmp_path}", test_share=1)).clips} == {"test"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from("pqrstuvw"), min_size=8, max_size=40), st.integers(0, 9))
def test_groups_are_never_divided(
    tmp_path_factory: pytest.TempPathFactory, touch, groups: list[str], seed: int
) -> None:
    root = tmp_path_factory.mktemp("g")
    lines = [f"{i}.mp4,{'ab'[i % 2]},{group}" for i, group in enumerate(groups)]
    table(root, touch, "path,label,group", *lines)
    try:
        data = open_data(DataConfig(f"folder:{root}", split=str(seed)))
    except FarviewError as error:  # where no whole group can go without taking a class with it
        assert "no clips can be held out" in str(error)
        return
    tested = {c.group for c in data.part("test")}
    assert tested and not tested & {c.group for c in data.part("train")}
    assert {c.label for c in data.part("train")} == {0, 1}
    assert not any("no groups" in note for note in data.notes)


def test_a_table_with_its_own_split_is_taken_as_it_is(tmp_path: Path, touch) -> None:
    header = "split, label, path, group, remark"
    root = table(
        tmp_path,
        touch,
        header,
        "train,b,x/1.mp4,p,",
        "Train,a,2.mp4,p,",
        "val,a,3.mp4,q,",
        "test,b,4.mp4,p,",
        "unused,a,5.mp4,,",
    )
    data = open_data(DataConfig(f"folder:{root}"))
    assert [(c.id, c.label, c.part, c.group) for c in data.clips] == [
        ("x/1.mp4", 1, "train", "p"),
        ("2.mp4", 0, "train", "p"),
        ("3.mp4", 0, "val", "q"),
        ("4.mp4", 1, "test", "p"),
        ("5.mp4", 0, "unused", None),
    ]
    divides = "the given split divides 1 groups between training and testing, first: p"
    assert data.notes == (divides,)
    other = open_data(DataConfig(f"folder:{root}", split="2"))
    assert other.clips == data.clips
    assert other.notes == (divides, "the data give their own split; split 2 changes nothing")


def test_train_and_test_folders(tmp_path: Path, touch) -> None:
    touch(tmp_path, ["train/a/1.mp4", "train/b/2.mp4", "test/a/1.mp4", "val/b/3.mp4"])
    (tmp_path / "extra").mkdir()
    data = open_data(DataConfig(f"folder:{tmp_path}"))
    assert parts(data) == {
        "test/a/1.mp4": "test",
        "train/a/1.mp4": "train",
        "train/b/2.mp4": "train",
        "val/b/3.mp4": "val",
    }
    assert data.classes == ("a", "b")
    touch(tmp_path, ["test/c/9.mp4"])
    with pytest.raises(FarviewError, match=r"test/c/9.mp4: class 'c' is in test but has no training clips"):
        open_data(DataConfig(f"folder:{tmp_path}"))
    touch(tmp_path, ["train/c/8.mp4", "extra/9.mp4"])
    with pytest.raises(FarviewError, match="extra: holds clips, but stands beside train and test"):
        open_data(DataConfig(f"folder:{tmp_path}"))


def test_a_class_may_be_called_train(tmp_path: Path, touch) -> None:
    touch(tmp_path, ["train/1.mp4", "bus/2.mp4"])
    assert open_data(DataConfig(f"folder:{tmp_path}", test_share=0)).classes == ("bus", "train")


def test_a_table_elsewhere(tmp_path: Path, touch) -> None:
    touch(tmp_path / "videos", ["1.mp4", "2.mp4"])
    (tmp_path / "mine.csv").write_text("\ufeffpath,label\n1.mp4,a\n2.mp4,b\n", encoding="utf-8")
    config = {"source": f"folder:{tmp_path / 'videos'}", "test_share": 0}
    assert len(open_data(DataConfig(**config, lists=str(tmp_path / "mine.csv"))).clips) == 2
    with pytest.raises(FarviewError, match=r"clips.csv: no such CSV file"):
        open_data(DataConfig(**config, lists=str(tmp_path)))


@pytest.mark.parametrize(
    ("header", "lines", "message"),
    [
        ("file,label", ["1.mp4,a"], r"no column 'path'.*it has: file, label"),
        ("path,lable", ["1.mp4,a"], r"no column 'label' \(did you mean 'lable'\?\)"),
        ("path;label", [], r"no column 'path'.*separated by commas"),
        ("path,label", [], "lists no clips"),
        ("path,label", ["1.mp4,a", "2.mp4,a"], r"clips.csv: only one class \(a\)"),
        ("path,label", ["1.mp4,a", "2.mp4,"], "line 3: no label"),
        ("path,label", ["1.mp4,a", ",b"], "line 3: no path"),
        (
            "path,label,split",
            ["1.mp4,a,train", "2.mp4,b,tset"],
            r"line 3: unknown split 'tset' \(did you mean 'test'\?\)",
        ),
        ("path,label,split", ["1.mp4,a,train", "2.mp4,b,"], "line 3: unknown split ''"),
        ("path,label", ["1.mp4,a", "2.mp4,b", "1.mp4,b"], "1.mp4: is listed with two labels.*line 2.*line 4"),
        ("path,label", ["1.mp4,a", "2.mp4,b", "./x/../1.mp4,a"], "1.mp4: is listed twice"),
        (
            "path,label,split",
            ["1.mp4,a,train", "2.mp4,b,train", "1.mp4,a,test"],
            "1.mp4: is in both train and test",
        ),
        (
            "path,label,split",
            ["1.mp4,a,train", "2.mp4,b,test"],
            "2.mp4: class 'b' is in test but has no training",
        ),
        (
            "path,label,group",
            ["1.mp4,a,p", "2.mp4,b,q"],
            "no clips can be held out for testing without a class losing",
        ),
    ],
)
def test_mistakes_in_a_table_are_named(
    tmp_path: Path, touch, header: str, lines: list[str], message: str
) -> None:
    table(tmp_path, touch, header, *lines)
    with pytest.raises(FarviewError, match=message):
        open_data(DataConfig(f"folder:{tmp_path}"))


def test_missing_files_are_named_or_left_out(tmp_path: Path, touch) -> None:
    table(tmp_path, touch, "path,label", *(f"{i}.mp4,{'ab'[i % 2]}" for i in range(6)))
    (tmp_path / "5.mp4").unlink()
    with pytest.raises(FarviewError, match=r"1 of 6 listed clips are missing \(5.mp4\).*--available-only"):
        open_data(DataConfig(f"folder:{tmp_path}"))
    data = open_data(DataConfig(f"folder:{tmp_path}", available_only=True))
    assert data.missing == ("5.mp4",) and len(data.clips) == 5


def test_mistakes_in_folders_are_named(tmp_path: Path, touch) -> None:
    with pytest.raises(FarviewError, match=r"neither clips.csv nor class folders"):
        open_data(DataConfig(f"folder:{tmp_path}"))
    touch(tmp_path, ["a/1.mp4", "a/2.mp4"])
    with pytest.raises(FarviewError, match=r"only one class \(a\)"):
        open_data(DataConfig(f"folder:{tmp_path}"))
    (tmp_path / "b").mkdir()
    with pytest.raises(FarviewError, match="b: class folder without videos"):
        open_data(DataConfig(f"folder:{tmp_path}"))
    touch(tmp_path, ["b/1.png"])
    with pytest.raises(FarviewError, match="b: images lie in the class folder itself"):
        open_data(DataConfig(f"folder:{tmp_path}"))
    (tmp_path / "b" / "1.png").rename(tmp_path / "b" / "1.mp4")
    with pytest.raises(FarviewError, match="split 'first': expected a whole number"):
        open_data(DataConfig(f"folder:{tmp_path}", split="first"))
