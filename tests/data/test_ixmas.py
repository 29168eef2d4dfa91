"""IXMAS in both layouts, with tiny files made here."""

import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.ixmas import ACTIONS, ACTORS, MAKERS, ROI
from farview.errors import FarviewError

WORDS = [action.replace(" ", "-") for action in ACTIONS]


@pytest.fixture(scope="module")
def roi(tmp_path_factory: pytest.TempPathFactory, touch) -> Path:
    """All 1,800 names of the regions of interest, in a folder per action."""
    root = tmp_path_factory.mktemp("roi")
    touch(
        root,
        [
            f"{WORDS[n - 1]}/{actor}{take}_{n:02d}_{WORDS[n - 1]}_cam{camera}_frames_0053_0097.avi"
            for actor in ACTORS
            for take in (1, 2, 3)
            for n in ROI
            for camera in range(5)
        ],
    )
    return root


def original(root: Path, takes: dict[str, list[int]]) -> Path:
    """Folders of 2x2 images whose grey is their number, one camera a take unless given, with truth files."""
    for take, truth in takes.items():
        for camera in ("cam0", "cam1"):
            folder = root / f"{take}_png" / camera
            folder.mkdir(parents=True)
            for i in range(len(truth)):
                cv2.imwrite(str(folder / f"img{i:04d}.png"), np.full((2, 2), i, np.uint8))
        (root / f"{take}_truth.txt").write_text("\n".join(map(str, truth)) + "\n")
    return root


def test_regions_of_interest_leave_one_actor_out(roi: Path) -> None:
    data = open_data(DataConfig(f"ixmas:{roi}", split="julien"))
    assert len(data.classes) == 12 and data.classes[10] == "point" and data.classes[11] == "pick up"
    assert (len(data.part("train")), len(data.part("test"))) == (1620, 180)
    assert {c.group for c in data.part("test")} == {"julien"} and "julien left out" in data.notes[0]
    assert len(data.notes) == 1  # complete
    for clip in data.clips:
        folder, name = clip.id.split("/")
        assert data.classes[clip.label or 0] == folder.replace("-", " ")
        assert name.startswith(str(clip.group))
    by_number = open_data(DataConfig(f"ixmas:{roi}", split="9"))
    assert by_number.part("test") == data.part("test")


def test_each_actor_is_left_out_once(roi: Path) -> None:
    tests = [
        {c.id for c in open_data(DataConfig(f"ixmas:{roi}", split=str(n))).part("test")} for n in range(1, 11)
    ]
    assert len(set.union(*tests)) == 1800 and sum(map(len, tests)) == 1800


def test_random_folds_are_tenths_of_each_class_and_say_so(roi: Path) -> None:
    folds = [open_data(DataConfig(f"ixmas:{roi}", split=f"random{n}")) for n in (1, 2, 5)]
    for data in folds:
        assert set(Counter(c.label for c in data.part("test")).values()) == {15}
        assert len(data.part("test")) == 180 and len({c.group for c in data.part("test")}) == 10
        assert "random fold" in data.notes[0] and "not comparable" in data.notes[0]
    first, second, _ = ({c.id for c in data.part("test")} for data in folds)
    assert not first & second


def test_who_it_is_in_other_recordings(roi: Path, tmp_path: Path) -> None:
    """All cameras see the same: a recording is in training or in test, whichever camera saw it."""
    root = original(
        tmp_path, {f"{who}{take}": [1, 1, 2, 2] for who in ("alba", "ciara") for take in (1, 2, 3)}
    )
    for source, split in ((roi, "1"), (root, "alba")):
        data = open_data(DataConfig(f"ixmas:{source}", split=split, recognise="group"))
        names = [re.search(r"[a-z]+\d(?=_\d\d_|_png)", clip.id) for clip in data.clips]
        parts: dict[str, set[str]] = {}
        for clip, found in zip(data.clips, names, strict=True):
            assert found is not None
            parts.setdefault(found[0], set()).add(clip.part)
        assert all(len(where) == 1 for where in parts.values())
        assert len(parts) == 3 * len(data.classes)
        assert sum(where == {"test"} for where in parts.values()) == len(data.classes)


def test_eleven_classes_of_the_regions_by_name(roi: Path) -> None:
    classes = tuple(ACTIONS[n - 1] for n in MAKERS)
    data = open_data(DataConfig(f"ixmas:{roi}", classes=classes))
    assert len(data.clips) == 1650 and data.classes == classes
    assert all(data.classes[c.label or 0] == c.id.split("/")[0].replace("-", " ") for c in data.clips)


def test_original_layout_cuts_runs_of_one_label(tmp_path: Path) -> None:
    root = original(
        tmp_path,
        {
            "alba1": [0, 0, 1, 1, 1, 0, 12, 12, 11, 11, 13, 5, 5],
            "ciara2": [10, 10, 0, 10],
            "pao1": [1, 1, 1, 1],
        },
    )
    data = open_data(DataConfig(f"ixmas:{root}", split="alba"))
    assert len(data.classes) == 11 and "point" not in data.classes
    found = [(c.id, data.classes[c.label or 0], c.part, c.group) for c in data.clips if "cam0" in c.id]
    assert found == [
        ("alba1_png/cam0[2:5]", "check watch", "test", "alba"),
        ("alba1_png/cam0[6:8]", "pick up", "test", "alba"),
        ("alba1_png/cam0[11:13]", "get up", "test", "alba"),
        ("ciara2_png/cam0[0:2]", "kick", "train", "chiara"),
        ("ciara2_png/cam0[3:4]", "kick", "train", "chiara"),
    ]
    assert len(data.clips) == 10  # two cameras; pao is no actor of the makers' protocol
    with data.clips[1].source.open() as frames:
        assert [int(image.mean()) for image in frames] == [6, 7]
    assert "10 clips; the whole data set has 1650" in data.notes


def test_what_does_not_fit_is_named(tmp_path: Path, touch) -> None:
    with pytest.raises(FarviewError, match="no IXMAS clips"):
        open_data(DataConfig(f"ixmas:{tmp_path}"))
    original(tmp_path / "o", {"alba1": [1, 1], "amel1": [2, 15]})
    with pytest.raises(FarviewError, match=r"amel1_truth.txt, line 2: '15'; expected one number 0..14"):
        open_data(DataConfig(f"ixmas:{tmp_path / 'o'}"))
    (tmp_path / "o" / "amel1_truth.txt").unlink()
    with pytest.raises(FarviewError, match=r"amel1_png: no amel1_truth.txt"):
        open_data(DataConfig(f"ixmas:{tmp_path / 'o'}"))
    touch(tmp_path / "r", ["alba1_01_check-watch_cam0_frames_0053_0097.avi"])
    with pytest.raises(
        FarviewError, match=r"no clips of actor 'albo' to leave out \(did you mean 'alba'\?\)"
    ):
        open_data(DataConfig(f"ixmas:{tmp_path / 'r'}", split="albo"))
    touch(tmp_path / "r", ["bob1_01_check-watch_cam0_frames_0053_0097.avi"])
    with pytest.raises(FarviewError, match=r"bob1_01.*unknown actor 'bob'"):
        open_data(DataConfig(f"ixmas:{tmp_path / 'r'}"))
    touch(tmp_path / "s", ["alba1_13_throw_cam0_frames_0053_0097.avi"])
    with pytest.raises(FarviewError, match=r"alba1_13.*action 13; expected 01 to 12"):
        open_data(DataConfig(f"ixmas:{tmp_path / 's'}"))
