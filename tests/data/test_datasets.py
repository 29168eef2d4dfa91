"""Opening data sets by kind: names, classes kept, pools, and clips that may not be there twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farview.data.clip import Clip, DataSet
from farview.data.config import DataConfig
from farview.data.datasets import check, only, open_data, open_pool
from farview.errors import FarviewError
from farview.frames.video import VideoFile


def source(name: str) -> VideoFile:
    return VideoFile(Path(name))


CLASSES = ("bend", "clap", "fall", "jump", "wave")
CLIPS = tuple(
    Clip(f"{name}/{i}", source(f"{name}/{i}"), label, "train")
    for label, name in enumerate(CLASSES)
    for i in range(3)
)
DATA = DataSet("folder:x", CLASSES, CLIPS)


@settings(deadline=None)
@given(st.permutations(CLASSES), st.integers(2, 5))
def test_labels_stay_right_in_every_subset(order: list[str], count: int) -> None:
    kept = tuple(order[:count])
    data = only(DATA, kept)
    assert data.classes == kept
    assert [clip.id for clip in data.clips] == [c.id for c in CLIPS if c.id.split("/")[0] in kept]
    for clip in data.clips:
        assert data.classes[clip.label or 0] == clip.id.split("/")[0]
    again = only(data, tuple(reversed(kept)))
    assert all(again.classes[clip.label or 0] == clip.id.split("/")[0] for clip in again.clips)


def test_classes_to_keep_reach_the_data_set(tmp_path: Path, touch) -> None:
    touch(tmp_path, [f"{name}/{i}.mp4" for name in CLASSES for i in range(2)])
    data = open_data(DataConfig(f"folder:{tmp_path}", classes=("wave", "bend"), test_share=0))
    assert {c.id: c.label for c in data.clips} == {
        "wave/0.mp4": 0,
        "wave/1.mp4": 0,
        "bend/0.mp4": 1,
        "bend/1.mp4": 1,
    }


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("wave", "jmup"), r"no class 'jmup' \(did you mean 'jump'\?\); classes: bend, clap"),
        (("wave", "wave"), "expected two or more different classes"),
        (("wave",), "expected two or more different classes"),
    ],
)
def test_classes_that_cannot_be_kept_are_named(classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(FarviewError, match=message):
        only(DATA, classes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "ucf11:/data",
            r"unknown kind of data set 'ucf11' \(did you mean 'ucf101'\?\).*hmdb51, ixmas, kinetics, msr-action3d",
        ),
        ("/data/ucf101", "unknown kind of data set '/data/ucf101'.*expected kind:folder"),
        ("hmdb51", "hmdb51: which folder"),
        ("hmdb51:/no/such", r"/no/such: no such folder"),
        (f"ucf101:{__file__}", "is a file; ucf101 needs the folder"),
        ("mime:first", "expected a seed"),
    ],
)
def test_what_cannot_be_opened_says_why(text: str, message: str) -> None:
    with pytest.raises(FarviewError, match=message):
        open_data(DataConfig(text))


def test_mime_needs_no_folder() -> None:
    assert open_data(DataConfig("mime")).part("test") and open_data(DataConfig("mime:3")).name == "mime:3"


def test_a_clip_in_two_parts_is_named() -> None:
    test = Clip("other", source("wave/1"), 4, "test")
    with pytest.raises(FarviewError, match="clip wave/1 is there twice, in both train and test"):
        check(DataSet("x", CLASSES, (*CLIPS, test)))
    with pytest.raises(FarviewError, match="clip wave/1 is there twice, in train"):
        check(DataSet("x", CLASSES, (*CLIPS, Clip("wave/1", source("new"), 4, "train"))))
    with pytest.raises(FarviewError, match="clip new has label 5 of 5 classes"):
        check(DataSet("x", CLASSES, (*CLIPS, Clip("new", source("new"), 5, "train"))))
    check(DATA)


def test_the_pool_is_the_training_part_without_labels(tmp_path: Path, touch) -> None:
    main, other = tmp_path / "main", tmp_path / "other"
    touch(main, [f"{name}/{i}.mp4" for name in CLASSES for i in range(4)])
    touch(other, [f"x/{i}.mp4" for i in range(5)])
    config = DataConfig(f"folder:{main}", pool=f"kinetics:{other}", classes=("wave", "bend"))
    pool = open_pool(config)
    assert [(c.id, c.label) for c in pool] == [(f"pool/x/{i}.mp4", None) for i in range(5)]
    itself = DataConfig(f"folder:{main}", pool=f"folder:{main}", split="7")
    tested = {c.source for c in open_data(itself).part("test")}
    assert tested and not tested & {c.source for c in open_pool(itself)}
    assert open_pool(DataConfig(f"folder:{main}")) == ()


def test_no_test_clip_is_in_the_pool_under_another_name(tmp_path: Path, touch) -> None:
    touch(tmp_path / "main", [f"{name}/{i}.mp4" for name in CLASSES for i in range(4)])
    (tmp_path / "link").symlink_to(tmp_path / "main")
    config = DataConfig(f"folder:{tmp_path}/main", pool=f"kinetics:{tmp_path}/link")
    data, pool = open_data(config), open_pool(config)
    assert data.part("test")
    assert {c.id for c in pool} == {f"pool/{c.id}" for c in data.part("train")}
    touch(tmp_path / "tested", [f"test/{name}/{i}.mp4" for name in CLASSES for i in range(2)])
    touch(tmp_path / "tested", [f"train/{name}/{i + 2}.mp4" for name in CLASSES for i in range(2)])
    with pytest.raises(FarviewError, match=r"data\.pool: kinetics:.* no training clips but those that"):
        open_pool(DataConfig(f"folder:{tmp_path}/tested", pool=f"kinetics:{tmp_path}/tested/test"))


def test_what_chooses_from_the_data_leaves_the_pool_alone(tmp_path: Path, touch) -> None:
    touch(tmp_path, [f"{name}/{i}.mp4" for name in CLASSES for i in range(8)])
    rows = [f"{name}/{i}.mp4,{name},{'ann' if i % 2 else 'bob'},train" for name in CLASSES for i in range(6)]
    rows += [f"{name}/{i}.mp4,{name},eve,test" for name in CLASSES for i in range(6, 8)]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,group,split", *rows]))
    config = DataConfig(f"folder:{tmp_path}", pool=f"folder:{tmp_path}")
    whole = open_pool(config)
    assert len(whole) == 30 and open_pool(replace(config, per_class=2)) == whole
    who = replace(config, recognise="group")
    tested = {f"pool/{c.id}" for c in open_data(who).part("test")}
    assert {c.id for c in open_pool(who)} == {c.id for c in whole} - tested
