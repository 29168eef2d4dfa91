"""One's own recordings: a folder per class, or a CSV with path, label and, optionally, group and split."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from farview.data.clip import Clip, DataSet, Part
from farview.data.config import DataConfig
from farview.data.layout import (
    VIDEOS,
    Row,
    find_files,
    listed_clips,
    nearest,
    read_csv,
    refuse_untrained,
    walk,
)
from farview.data.spans import span_clips
from farview.data.splits import hold_out
from farview.errors import FarviewError
from farview.frames.images import SUFFIXES
from farview.frames.open import source_of

PARTS: dict[str, Part] = {
    "train": "train",
    "val": "val",
    "validation": "val",
    "test": "test",
    "unused": "unused",
}
FILES = VIDEOS | {".npy", ".npz", ".mat"}
KNOWN = FILES | {*SUFFIXES}
BY_CLIP = (
    "no groups: divided clip by clip, so one person or source video may be in training and testing alike, "
    "which flatters the figures; a CSV with a column `group` prevents that"
)


def folder(root: Path, config: DataConfig) -> DataSet:
    """Clips of `clips.csv` in `root` (or of `root` itself, or of `config.lists`, if that is a CSV file), else of
    class folders in `root` or in `root/train`, `root/test` and, optionally, `root/val`.

    Without a split of its own `config.test_share` of the clips is for testing: whole groups where there are groups,
    chosen by the seed `config.split`; the notes say how it was divided. Classes in alphabetical order.
    Raises `FarviewError` naming what is wrong: no such column, an unknown split word, a path listed twice, a missing
    file, an empty class folder, fewer than two classes, a class that is tested but never trained.
    """
    table = find_table(root, config)
    data, given = from_table(table, root, config) if table else from_folders(root, config)
    classes = data.classes
    if len(classes) < 2:
        raise FarviewError(f"{table or root}: only one class ({classes[0]}); a recogniser needs two or more")
    clips, notes = (data.clips, given_notes(data.clips, config)) if given else divide(data.clips, config)
    if not data.missing:
        refuse_untrained(clips, classes)
    return replace(data, clips=clips, notes=data.notes + notes)


def find_table(root: Path, config: DataConfig) -> Path | None:
    """The CSV file, if there is one. Raises where `config.lists` names none."""
    if config.lists is None:
        table = root if root.is_file() else root / "clips.csv"
        return table if table.is_file() else None
    named = Path(config.lists).expanduser()
    table = named / "clips.csv" if named.is_dir() else named
    if not table.is_file():
        raise FarviewError(f"{table}: no such CSV file; `lists` must name one, or a folder with clips.csv")
    return table


def from_table(table: Path, root: Path, config: DataConfig) -> tuple[DataSet, bool]:
    """Clips of a CSV, and whether it gives their parts; paths are relative to `root`, or to the folder a CSV is in.

    With the columns `start` and `end` they are spans of long recordings, with paths relative to the CSV.
    """
    base = root.parent if root.is_file() else root
    records = read_csv(table, ("path", "label"))
    if records and {"start", "end"} <= records[0][0].keys():
        return span_clips(table, PARTS, config)
    for record, where in records:
        for column in ("path", "label"):
            if not record[column]:
                raise FarviewError(f"{where}: no {column}; every clip needs a path and a label")
        if "split" in record and record["split"].lower() not in PARTS:
            raise FarviewError(
                f"{where}: unknown split '{record['split']}'{nearest(record['split'], PARTS)}; "
                f"expected train, val, test or unused (or no column `split` at all)"
            )
    if not records:
        raise FarviewError(f"{table}: lists no clips")
    classes = tuple(sorted({record["label"] for record, _ in records}))
    index = {name: i for i, name in enumerate(classes)}
    rows = [
        Row(
            os.path.normpath(record["path"]).replace(os.sep, "/"),
            index[record["label"]],
            PARTS[record.get("split", "train").lower()],
            record.get("group") or None,
            where,
        )
        for record, where in records
    ]

    def find(name: str) -> Path | None:
        return base / name if (base / name).exists() else None

    clips, missing = listed_clips(rows, find, base, config)
    return DataSet(config.source, classes, clips, missing), "split" in records[0][0]


def from_folders(root: Path, config: DataConfig) -> tuple[DataSet, bool]:
    """Clips of class folders, and whether folders `train` and `test` or `val` above them give their parts."""
    tops = subfolders(root)
    splits = {path: PARTS[path.name.lower()] for path in tops if path.name.lower() in PARTS}
    given = {"train"} < set(splits.values())
    if given:
        for path in tops:
            if path not in splits and next(clips_below(path), None):
                raise FarviewError(
                    f"{path}: holds clips, but stands beside train and test; move it into one of them"
                )
    places: list[tuple[Path, Part]] = (
        [(path, part) for path, part in splits.items()] if given else [(root, "train")]
    )
    found = [(sub, part) for place, part in places for sub in subfolders(place)]
    if not found:
        raise FarviewError(
            f"{root}: neither clips.csv nor class folders in it; expected <class>/<video>, or a CSV with path and label"
        )
    classes = tuple(sorted({sub.name for sub, _ in found}))
    clips = []
    for sub, part in found:
        paths = sorted(clips_below(sub))
        if not paths:
            raise FarviewError(
                f"{sub}: class folder without videos or folders of images; fill it or remove it"
            )
        if sub in paths:
            raise FarviewError(
                f"{sub}: images lie in the class folder itself; put each clip's images in a folder of its own"
            )
        for path in paths:
            clips.append(
                Clip(path.relative_to(root).as_posix(), source_of(path), classes.index(sub.name), part)
            )
    notes = left_out([place for place, _ in places])
    return DataSet(config.source, classes, tuple(clips), notes=notes), given


def subfolders(path: Path) -> list[Path]:
    """Folders in `path`, sorted; hidden ones left out."""
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def clips_below(path: Path) -> Iterator[Path]:
    """Every video and array file below `path`, and every folder that holds images itself."""
    for place, names in walk(path):
        endings = {name: os.path.splitext(name)[1].lower() for name in names}
        if not {*SUFFIXES}.isdisjoint(endings.values()):
            yield place
        yield from (place / name for name, ending in endings.items() if ending in FILES)


def left_out(places: Iterable[Path]) -> tuple[str, ...]:
    """A note on files that are no clips: of other kinds in class folders, or clips beside these."""
    beside = [path for place in places for path in place.iterdir() if path.suffix.lower() in FILES]
    inside = [path for place in places for sub in subfolders(place) for path in find_files(sub)]
    others = sorted(beside + [path for path in inside if path.suffix.lower() not in KNOWN])
    if not others:
        return ()
    return (f"{len(others)} files are left out (no clips, or outside the class folders), first: {others[0]}",)


def divide(clips: tuple[Clip, ...], config: DataConfig) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """The clips with `config.test_share` of them in part `test`, and notes on how that was done."""
    if not config.split.lstrip("-").isdigit() or int(config.split) < 0:
        raise FarviewError(
            f"folder split '{config.split}': expected a whole number, the seed of the division"
        )
    if config.test_share == 1:
        return tuple(replace(clip, part="test") for clip in clips), ("all clips are for testing",)
    train, test = hold_out(clips, config.test_share, int(config.split))
    if config.test_share and not test:
        raise FarviewError(
            f"{config.source}: no clips can be held out for testing without a class losing all its training clips; "
            f"record more groups, or set test_share to 0"
        )
    tested = {clip.id for clip in test}
    groups = {clip.group for clip in clips if clip.group is not None}
    how = f"divided by {len(groups)} groups" if groups else "divided clip by clip"
    notes = [f"{how}, seed {config.split}: {len(train)} clips for training, {len(test)} for testing"]
    return tuple(replace(clip, part="test" if clip.id in tested else "train") for clip in clips), tuple(
        notes + ([] if groups else [BY_CLIP])
    )


def given_notes(clips: tuple[Clip, ...], config: DataConfig) -> tuple[str, ...]:
    """Notes where a split that the user gave divides groups, and where another one was asked for."""
    parts: dict[str, set[str]] = {}
    for clip in clips:
        if clip.group is not None and clip.part != "unused":
            parts.setdefault(clip.group, set()).add("test" if clip.part == "test" else "train")
    divided = sorted(group for group, where in parts.items() if len(where) > 1)
    notes = []
    if divided:
        notes.append(
            f"the given split divides {len(divided)} groups between training and testing, first: {divided[0]}"
        )
    if config.split != DataConfig.split:
        notes.append(f"the data give their own split; split {config.split} changes nothing")
    return tuple(notes)
