"""Who it is in place of what is done."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from farview.data.clip import Clip, DataSet
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.recast import groups_as_classes
from farview.data.splits import hold_out
from farview.errors import FarviewError


def small(groups: list[str | None]) -> DataSet:
    clips = [
        Clip(f"c{i}", None, i % 2, "train" if i % 3 else "test", group)  # type: ignore[arg-type]
        for i, group in enumerate(groups)
    ]
    return DataSet("x:y", ("a", "b"), tuple(clips))


def test_all_people_are_seen_in_training_and_in_test() -> None:
    people = ["ann"] * 10 + ["bob"] * 20 + ["eve"] * 30
    data = groups_as_classes(small(list(people)), 0.3, "1")
    assert data.classes == ("ann", "bob", "eve")
    assert [data.classes[clip.label] for clip in data.clips if clip.label is not None] == people
    assert Counter(clip.label for clip in data.part("test")) == {0: 3, 1: 6, 2: 9}
    assert len(data.part("train")) == 42
    other = groups_as_classes(small(list(people)), 0.3, "2")
    assert other.part("test") != data.part("test")
    assert groups_as_classes(small(list(people)), 0.3, "1") == data


def test_whole_recordings_are_held_out() -> None:
    """Five clips of each of three recordings of either person: none is on both sides."""
    clips = tuple(
        Clip(f"{who}{take}-{i}", None, i % 2, "train", who, f"{who}{take}")  # type: ignore[arg-type]
        for who in ("ann", "bob")
        for take in range(3)
        for i in range(5)
    )
    data = groups_as_classes(DataSet("x:y", ("a", "b"), clips), 0.3, "1")
    sides = [{clip.id.split("-")[0] for clip in data.part(part)} for part in ("train", "test")]  # type: ignore[arg-type]
    assert not sides[0] & sides[1] and {name[:3] for name in sides[0]} == {name[:3] for name in sides[1]}
    train, val = hold_out(data.part("train"), 0.3, seed=0)
    assert val and not {clip.group for clip in train} & {clip.group for clip in val}


def test_unused_clips_stay_unused() -> None:
    data = small(["ann"] * 10 + ["bob"] * 10 + ["eve"] * 10)
    clips = tuple(replace(clip, part="unused") if clip.group == "eve" else clip for clip in data.clips)
    people = groups_as_classes(replace(data, clips=clips), 0.3, "1")
    assert people.classes == ("ann", "bob")
    assert [clip.id for clip in people.part("unused")] == [f"c{i}" for i in range(20, 30)]


def test_source_videos_are_no_people() -> None:
    with pytest.raises(FarviewError, match=r"data.recognise: x:y .*: its groups are no people"):
        groups_as_classes(replace(small(["g1", "g2"]), people=False), 0.3, "1")


def test_people_must_be_known() -> None:
    with pytest.raises(FarviewError, match=r"data.recognise: x:y .*: clip c1 has no group"):
        groups_as_classes(small(["ann", None, "bob"]), 0.3, "1")
    with pytest.raises(FarviewError, match="there is one group, ann"):
        groups_as_classes(small(["ann", "ann"]), 0.3, "1")


def test_the_ten_subjects_of_real_recordings(data_root: Path) -> None:
    data = open_data(DataConfig(f"msr-action3d:{data_root}/msr-action3d", recognise="group"))
    assert data.classes == tuple(f"s{i:02d}" for i in range(1, 11)) and len(data.clips) == 556
    for clip in data.clips:
        assert f"_{data.classes[clip.label or 0]}_" in clip.id
    assert len(data.part("test")) == pytest.approx(0.3 * 556, abs=2)
    fewer_people = open_data(
        DataConfig(f"msr-action3d:{data_root}/msr-action3d", recognise="group", split="held-out1")
    )
    assert fewer_people.classes == ("s01", "s03", "s05", "s07", "s09")


@pytest.mark.parametrize(
    ("key", "message"),
    [({"recognise": "who"}, "data.recognise: 'who'"), ({"per_class": 0}, "data.per_class: 0 must be")],
)
def test_wrong_keys_are_refused(key: dict, message: str) -> None:
    with pytest.raises(FarviewError, match=message):
        DataConfig("mime", **key)
