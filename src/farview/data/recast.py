"""A data set put to another question: who is it."""

from dataclasses import replace
from zlib import crc32

from farview.data.clip import Clip, DataSet, Part
from farview.data.splits import hold_out
from farview.errors import FarviewError


def groups_as_classes(data: DataSet, test_share: float, split: str) -> DataSet:
    """The groups (people) as classes, in alphabetical order: all are seen in training, other recordings in test.

    About `test_share` (0..1) of each group's clips are for testing, whole recordings drawn by `split`; unused clips
    stay unused. A clip's group is then its recording, for validation clips are held out in the same way. Raises
    `FarviewError` where the groups are no people, where clips have none, and where there is but one.
    """
    used = [clip for clip in data.clips if clip.part != "unused"]
    names = sorted({clip.group for clip in used if clip.group is not None})
    without = next((clip.id for clip in used if clip.group is None), None)
    why = None
    if not data.people:
        why = "its groups are no people but source videos"
    elif without is not None:
        why = f"clip {without} has no group"
    elif len(names) < 2:
        why = f"there is one group, {names[0]}" if names else "no clip is in use"
    if why is not None:
        raise FarviewError(f"data.recognise: {data.name} does not tell several people apart: {why}")
    place: dict[str | None, int] = {name: label for label, name in enumerate(names)}
    clips = [replace(clip, label=place.get(clip.group), group=clip.recording) for clip in data.clips]
    _, held = hold_out([clip for clip in clips if clip.part != "unused"], test_share, crc32(split.encode()))
    test = {clip.id for clip in held}

    def part_of(clip: Clip) -> Part:
        return "unused" if clip.part == "unused" else "test" if clip.id in test else "train"

    return replace(
        data, classes=tuple(names), clips=tuple(replace(clip, part=part_of(clip)) for clip in clips)
    )
