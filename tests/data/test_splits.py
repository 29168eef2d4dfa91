"""Holding out: groups whole, classes kept, shares near, the same whenever it is asked."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from farview.data.clip import Clip, DataSet, Part
from farview.data.splits import fewer, hold_out, training_parts
from farview.frames.video import VideoFile


def clip(number: int, label: int | None, group: str | None = None) -> Clip:
    return Clip(f"{number:04d}", VideoFile(Path(f"{number:04d}.avi")), label, "train", group)


members = st.tuples(st.integers(0, 4), st.one_of(st.none(), st.sampled_from("abcdefgh")))
grouped = st.lists(members, max_size=60).map(lambda rows: [clip(i, *row) for i, row in enumerate(rows)])
shares = st.floats(0, 0.9)


@settings(deadline=None)  # the machine may be busy
@given(grouped, shares, st.integers(0, 5))
def test_parts_are_a_division_that_keeps_groups_and_classes(
    clips: list[Clip], share: float, seed: int
) -> None:
    kept, held = hold_out(clips, share, seed)
    assert sorted(kept + held, key=clips.index) == clips
    assert list(kept) == sorted(kept, key=clips.index) and list(held) == sorted(held, key=clips.index)
    groups = [{c.group for c in part if c.group is not None} for part in (kept, held)]
    assert not groups[0] & groups[1]
    assert {c.label for c in kept} == {c.label for c in clips}


@settings(deadline=None)  # the machine may be busy
@given(grouped, shares, st.integers(0, 5))
def test_the_order_of_the_clips_does_not_matter(clips: list[Clip], share: float, seed: int) -> None:
    mixed = random.Random(1).sample(clips, len(clips))
    assert {c.id for c in hold_out(mixed, share, seed)[1]} == {c.id for c in hold_out(clips, share, seed)[1]}


@settings(deadline=None)  # the machine may be busy
@example([1, 1, 15], 1 / 3, 0)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.floats(0.05, 0.5), st.integers(0, 5))
def test_single_clips_give_the_share_exactly_and_evenly(counts: list[int], share: float, seed: int) -> None:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    _, held = hold_out([clip(i, label) for i, label in enumerate(labels)], share, seed)
    taken = Counter(c.label for c in held)
    for label, count in enumerate(counts):
        # a class of one clip cannot give its part; another may give one clip more for it
        assert abs(taken[label] - share * count) <= 1 + 1e-9
    possible = sum(min(int(share * n) + 1, n - 1) for n in counts)
    assert len(held) == min(round(share * len(labels)), possible) or len(held) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(10, 40), st.integers(2, 5), st.floats(0.1, 0.5), st.integers(0, 5))
def test_many_small_groups_come_near_the_share(groups: int, classes: int, share: float, seed: int) -> None:
    rng = random.Random(seed)
    sizes = [rng.randint(1, 8) for _ in range(groups)]
    clips = [
        clip(1000 * g + i, (g + i) % classes, f"person{g}")
        for g, size in enumerate(sizes)
        for i in range(size)
    ]
    _, held = hold_out(clips, share, seed)
    if all(len({c.group for c in clips if c.label == label}) > 3 for label in range(classes)):
        assert abs(len(held) - share * len(clips)) <= max(sizes)


def test_one_subject_of_five_is_a_fifth() -> None:
    clips = [clip(100 * s + i, i % 20, f"s{s}") for s in range(5) for i in range(60)]
    chosen = {hold_out(clips, 0.2, seed)[1][0].group for seed in range(20)}
    assert all(len(hold_out(clips, 0.2, seed)[1]) == 60 for seed in range(20))
    assert len(chosen) >= 4  # the seed decides which


def test_a_large_group_is_better_than_nothing() -> None:
    clips = [clip(i, i % 3, "ab"[i % 2]) for i in range(60)]
    assert len(hold_out(clips, 0.1, 0)[1]) == 30
    assert hold_out(clips, 0.0, 0)[1] == ()


def test_a_class_that_only_one_group_shows_stays_in_training() -> None:
    clips = [clip(10 * g + i, i % 2 if g else 2, f"p{g}") for g in range(4) for i in range(6)]
    assert all("p0" not in {c.group for c in hold_out(clips, 0.5, seed)[1]} for seed in range(10))
    alone = [clip(i, i, f"p{i}") for i in range(5)]
    assert hold_out(alone, 0.5, 0) == (tuple(alone), ())


def test_an_unlabeled_pool_can_be_divided_too() -> None:
    assert len(hold_out([clip(i, None) for i in range(50)], 0.2, 0)[1]) == 10


def test_many_classes_of_few_clips_still_give_the_share() -> None:
    clips = [clip(i, i % 100) for i in range(200)]
    assert len(hold_out(clips, 0.2, 0)[1]) == 40


def test_training_holds_out_among_what_can_be_read_unless_the_data_set_has_its_own_part() -> None:
    def data(val: Part) -> DataSet:
        clips = [clip(i, i % 2) for i in range(20)]
        parts: list[Part] = ["train"] * 14 + [val] * 4 + ["test"] * 2
        return DataSet("d", ("a", "b"), tuple(replace(c, part=p) for c, p in zip(clips, parts, strict=True)))

    broken = {"0003.avi", "0014.avi"}
    train, val = training_parts(data("val"), 0.9, broken)
    assert [c.id for c in train] == [f"{i:04d}" for i in range(14) if i != 3]
    assert [c.id for c in val] == ["0015", "0016", "0017"]
    readable = [c for c in data("train").part("train") if c.source.name not in broken]
    assert training_parts(data("train"), 0.25, broken) == hold_out(readable, 0.25, 0)
    alone = training_parts(data("val"), 0.25, {f"{i:04d}.avi" for i in range(14, 18)})
    assert len(alone[1]) == round(0.25 * 14)  # none of its own part can be read


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
def test_fixed_for_ever(share: float) -> None:
    """A changed choice would silently change every stored result: this one may never move."""
    clips = [clip(i, i % 3, f"g{i % 7}") for i in range(42)]
    groups = sorted({c.group for c in hold_out(clips, share, 1)[1]})
    assert groups == {0.1: ["g5"], 0.2: ["g5"], 0.3: ["g0", "g5"]}[share]


def test_fewer_clips_are_part_of_more_clips() -> None:
    clips = [clip(number, number % 2) for number in range(27)]
    before: set[str] = set()
    for count in (1, 3, 5, 100):
        kept = fewer(clips, count)
        assert Counter(c.label for c in kept) == {0: min(count, 14), 1: min(count, 13)}
        assert before <= {c.id for c in kept}
        before = {c.id for c in kept}
    assert kept == tuple(clips)


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_as_many_clips_train_as_were_asked_for(share: float) -> None:
    """Validation clips are held out first, of all clips: they are the same for every number."""
    data = DataSet("x", ("a", "b"), tuple(clip(number, number % 2) for number in range(40)))
    whole, held = training_parts(data, share, ())
    train, val = training_parts(replace(data, per_class=3), share, ())
    assert Counter(c.label for c in train) == {0: 3, 1: 3} and set(train) <= set(whole)
    assert val == held and len(val) == 40 * share
