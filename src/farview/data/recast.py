"""A data set put to another question: who is it, or what would fewer clips do."""

from dataclasses import replace
from zlib import crc32

from farview.data.clip import Clip, DataSet
from farview.data.splits import hold_out
from farview.errors import FarviewError


def groups_as_classes(data: DataSet, test_share: float, split: str) -> DataSet:
    """The groups (people) as classes, in alphabetical order: all are seen in training, other clips of theirs in test.

    About `test_share` (0..1) of each group's clips are for testing, drawn by `split`. No clip keeps its group, which
    would forbid dividing it. Raises `FarviewError` where clips have no group or there is but one.
    """
    names = sorted({clip.group for clip in data.clips if clip.group is not None})
    without = next((clip.id for clip in data.clips if clip.group is None), None)
    if without is not None or len(names) < 2:
        why = f"clip {without} has no group" if without is not None else f"there is one group, {names[0]}"
        raise FarviewError(f"data.recognise: {data.name} does not tell several people apart: {why}")
    place = {name: label for label, name in enumerate(names)}
    clips = [replace(clip, label=place[str(clip.group)], group=None, part="train") for clip in data.clips]
    _, held = hold_out(clips, test_share, seed=crc32(split.encode()))
    test = {clip.id for clip in held}
    parted = (replace(clip, part="test") if clip.id in test else clip for clip in clips)
    return replace(data, classes=tuple(names), clips=tuple(parted))


def fewer(data: DataSet, per_class: int) -> DataSet:
    """At most `per_class` training clips of each class; the others are unused.

    The clips are drawn by their ids, so that a smaller number keeps a part of a larger number's clips.
    """
    kept: set[str] = set()
    for label in range(len(data.classes)):
        of_class = [clip.id for clip in data.part("train") if clip.label == label]
        kept.update(sorted(of_class, key=lambda name: (crc32(name.encode()), name))[:per_class])

    def recast(clip: Clip) -> Clip:
        return replace(clip, part="unused") if clip.part == "train" and clip.id not in kept else clip

    return replace(data, clips=tuple(recast(clip) for clip in data.clips))
