"""What the data sets share: finding lists and files, matching the one with the other, refusing what does not fit."""

import csv
import difflib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from farview.data.clip import Clip, Part
from farview.data.config import DataConfig
from farview.errors import FarviewError
from farview.frames.open import source_of

VIDEOS = frozenset(
    [
        ".3gp",
        ".asf",
        ".avi",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ogv",
        ".ts",
        ".webm",
        ".wmv",
    ]
)


@dataclass(frozen=True)
class Row:
    """One line of a split list."""

    name: str
    """Names the clip; its id."""
    label: int | None
    part: Part
    group: str | None
    where: str
    """For messages: `trainlist01.txt, line 7`."""


def listed_clips(
    rows: Iterable[Row], find: Callable[[str], Path | None], root: Path, config: DataConfig
) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """(clips, ids of missing ones) of a split list.

    Raises `FarviewError` naming the clip where a file is listed twice (in two parts, with two labels), and where
    files are missing unless `config.available_only`.
    """
    clips: list[Clip] = []
    missing: list[str] = []
    seen: dict[str, Row] = {}
    for row in rows:
        path = find(row.name)
        key = row.name if path is None else os.path.abspath(path)
        if key in seen:
            raise FarviewError(twice(row, seen[key]))
        seen[key] = row
        if path is None:
            missing.append(row.name)
        else:
            clips.append(Clip(row.name, source_of(path), row.label, row.part, row.group))
    if missing and not clips:
        raise FarviewError(
            f"{root}: none of the {len(seen)} listed clips is there, for example {missing[0]}{inside(root, missing)}"
        )
    if missing and not config.available_only:
        first = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise FarviewError(
            f"{root}: {len(missing)} of {len(seen)} listed clips are missing ({first}); "
            f"put them there, or go on with what is there by --available-only"
        )
    return tuple(clips), tuple(missing)


def inside(root: Path, names: Sequence[str]) -> str:
    """`, but there is ROOT/videos/wave` where a folder in `root` holds a class folder of the clips, else nothing."""
    folders = [path for path in sorted(root.iterdir()) if path.is_dir()]
    classes = [name for name in dict.fromkeys(name.split("/")[0] for name in names) if name]
    found = (path / name for name in classes for path in folders if (path / name).is_dir())
    first = next(found, None)
    return f", but there is {first}" if first else ""


def twice(row: Row, first: Row) -> str:
    """The message for a clip that is listed a second time."""
    if row.part != first.part:
        how = f"is in both {first.part} and {row.part}"
    elif row.label != first.label:
        how = "is listed with two labels"
    else:
        how = "is listed twice"
    return f"{row.name}: {how} ({first.where}; {row.where}); keep one of the two lines"


def refuse_untrained(clips: Sequence[Clip], classes: Sequence[str]) -> None:
    """Raise where a class is tested and never trained, though other classes are trained."""
    trained = {clip.label for clip in clips if clip.part == "train"}
    for clip in clips:
        if trained and clip.part in ("val", "test") and clip.label not in trained and clip.label is not None:
            raise FarviewError(
                f"{clip.source.name}: class '{classes[clip.label]}' is in {clip.part} but has no training clips"
            )


class ClassFolders:
    """Clips in class folders below `root`, found by `Class/name` whatever their case and kind of file.

    A clip is a video or a folder of images. Folders are listed, never globbed: names may hold `[` or `*`.
    """

    def __init__(self, root: Path) -> None:
        self.found: dict[str, list[Path]] = {}
        for folder in sorted(path for path in root.iterdir() if path.is_dir()):
            for entry in sorted(folder.iterdir()):
                stem = entry.stem if entry.suffix.lower() in VIDEOS else entry.name
                if stem != entry.name or entry.is_dir():
                    self.found.setdefault(f"{folder.name}/{stem}".lower(), []).append(entry)

    def find(self, name: str) -> Path | None:
        """What is listed as `Class/name.avi`; the one spelled exactly so where several fit."""
        fitting = self.found.get(os.path.splitext(name)[0].lower(), [])
        exact = [path for path in fitting if f"{path.parent.name}/{path.name}" == name]
        return next(iter(exact or fitting), None)


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each folder at or below `root` with its files' names; hidden ones left out, links followed, but never twice."""
    seen: set[str] = set()
    for place, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(place), [name for name in names if not name.startswith(".")]


def find_files(root: Path) -> list[Path]:
    """Every file below `root`, sorted; hidden ones left out."""
    return sorted(place / name for place, names in walk(root) for name in names)


def find_videos(root: Path) -> list[Path]:
    """Every video below `root`, sorted."""
    return [path for path in find_files(root) if path.suffix.lower() in VIDEOS]


def find_lists(config: DataConfig, root: Path, pattern: str, usual: Sequence[str]) -> Path:
    """The folder with files like `pattern`: `config.lists`, else `root`, its parent, or a `usual` one in either.

    Raises `FarviewError` that names the places where they were looked for.
    """
    if config.lists is not None:
        places = [Path(config.lists).expanduser()]
    else:
        places = [base / name for base in (root, root.absolute().parent) for name in (".", *usual)]
    for place in places:
        if place.is_dir() and any(place.glob(pattern)):
            return place
    raise FarviewError(
        f"{config.source}: no split lists ({pattern}) in {', '.join(map(str, places))}; name their folder by `lists`"
    )


def official_split(config: DataConfig) -> str:
    """The number of the split of a data set that has three. Raises where it is another one."""
    if config.split not in ("1", "2", "3"):
        raise FarviewError(f"{config.kind} split '{config.split}': expected 1, 2 or 3")
    return config.split


def read_text(path: Path) -> str:
    """A list's text without a byte-order mark. Raises `FarviewError` where it cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FarviewError(f"{path}: cannot be read as a UTF-8 text: {error}") from None


def read_lines(path: Path) -> list[tuple[str, str]]:
    """(text, `file, line n`) of each line that is not blank."""
    lines = enumerate(read_text(path).splitlines(), 1)
    return [(line.strip(), f"{path}, line {n}") for n, line in lines if line.strip()]


def read_csv(path: Path, columns: Sequence[str]) -> list[tuple[dict[str, str], str]]:
    """(column -> stripped value, `file, line n`) of each line of a CSV with a header.

    Raises `FarviewError` where one of `columns` is not in the header or a line has not as many values as it.
    """
    reader = csv.DictReader(read_text(path).splitlines(), skipinitialspace=True)
    header = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = header
    for column in columns:
        if column not in header:
            raise FarviewError(
                f"{path}: no column '{column}'{nearest(column, header)}; the first line must name the columns, "
                f"separated by commas, and it has: {', '.join(header) or 'nothing'}"
            )
    records = []
    for record in reader:
        where = f"{path}, line {reader.line_num}"
        if None in record or None in record.values():
            raise FarviewError(
                f"{where}: expected {len(header)} values ({', '.join(header)}), separated by commas"
            )
        records.append(({key: value.strip() for key, value in record.items()}, where))
    return records


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'wave'?)` where a known word is nearly `word`, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""
