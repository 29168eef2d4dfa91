"""Kinetics (Kay et al., arXiv 1705.06950): clips named by YouTube id, CSV lists; or any folder of videos as pool."""

import re
from pathlib import Path

from farview.data.clip import Clip, DataSet, Part
from farview.data.config import DataConfig
from farview.data.layout import Row, find_videos, listed_clips, read_csv
from farview.errors import FarviewError
from farview.frames.open import source_of

PARTS: dict[str, Part] = {
    "train": "train",
    "val": "val",
    "validate": "val",
    "validation": "val",
    "test": "test",
}
PLACES = (".", "annotations", "lists", "splits")


def kinetics(root: Path, config: DataConfig) -> DataSet:
    """Clips `<id>_<start:06d>_<end:06d>.mp4` or `<id>.mp4` anywhere below `root`, labelled by CSV lists.

    The lists (a header with youtube_id, label, split; time_start and time_end for cut clips) are `config.lists`
    or lie in `root`. Where no test clip has a label, the validation list is the test part, as is usual; lines
    without a label are left out. Without any list every video is an unlabeled training clip. Group: YouTube id.
    Raises `FarviewError` for missing columns, unknown split words, clips listed twice and missing clips.
    """
    lists = find_lists(root, config)
    if not lists:
        return pool(root, config)
    records = [record for path in lists for record in read_csv(path, ("youtube_id", "label", "split"))]
    labelled = [(record, where) for record, where in records if record["label"]]
    classes = tuple(sorted({record["label"] for record, _ in labelled}))
    for record, where in labelled:
        if record["split"] not in PARTS:
            raise FarviewError(f"{where}: split '{record['split']}'; expected one of {', '.join(PARTS)}")
    notes = []
    if len(labelled) < len(records):
        notes.append(f"{len(records) - len(labelled)} lines of the lists have no label and are left out")
    parts = PARTS
    if not any(PARTS[record["split"]] == "test" for record, _ in labelled):
        parts = {word: "test" if part == "val" else part for word, part in PARTS.items()}
        notes.append("the lists have no labelled test clips: the validation list is the test part")
    index = {label: i for i, label in enumerate(classes)}
    rows = [
        Row(
            clip_name(record, where),
            index[record["label"]],
            parts[record["split"]],
            record["youtube_id"],
            where,
        )
        for record, where in labelled
    ]
    clips, missing = listed_clips(rows, Videos(root).find, root, config)
    return DataSet(config.source, classes, clips, missing, tuple(notes), people=False)


def pool(root: Path, config: DataConfig) -> DataSet:
    """Every video below `root` as an unlabeled training clip."""
    clips = tuple(
        Clip(path.relative_to(root).as_posix(), source_of(path), None, "train", video_id(path.stem))
        for path in find_videos(root)
    )
    if not clips:
        raise FarviewError(f"{root}: neither a CSV list nor any video in it")
    note = f"no CSV list with a column youtube_id: an unlabeled pool of {len(clips)} videos"
    return DataSet(config.source, (), clips, notes=(note,), people=False)


def find_lists(root: Path, config: DataConfig) -> list[Path]:
    """The CSV files with a column `youtube_id`; raises where `config.lists` names none."""
    if config.lists is not None:
        named = Path(config.lists).expanduser()
        paths = [named] if named.is_file() else sorted(named.glob("*.csv"))
        if not paths:
            raise FarviewError(f"{named}: no CSV list there; expected a CSV file or a folder of them")
        return paths
    paths = [path for place in PLACES for path in sorted((root / place).glob("*.csv"))]
    return [path for path in paths if b"youtube_id" in header_of(path)]


def header_of(path: Path) -> bytes:
    """A file's first line; not as text, for what is no list may have any encoding."""
    with path.open("rb") as file:
        return file.readline()


def clip_name(record: dict[str, str], where: str) -> str:
    """`<id>_<start:06d>_<end:06d>`, or the id alone where the list has no times."""
    start, end = record.get("time_start"), record.get("time_end")
    if not start or not end:
        return record["youtube_id"]
    try:
        return f"{record['youtube_id']}_{int(float(start)):06d}_{int(float(end)):06d}"
    except ValueError:
        raise FarviewError(f"{where}: times '{start}' and '{end}'; expected seconds") from None


def video_id(stem: str) -> str:
    """The YouTube id of a clip's name, which may itself hold `_` and begin with `-`."""
    return re.sub(r"_\d{6}_\d{6}$", "", stem)


class Videos:
    """Videos below a folder, found by clip name or YouTube id, in whatever folders they lie."""

    def __init__(self, root: Path) -> None:
        self.by_name: dict[str, Path] = {}
        self.by_id: dict[str, Path] = {}
        for path in find_videos(root):
            self.by_name.setdefault(path.stem, path)
            self.by_id.setdefault(video_id(path.stem), path)

    def find(self, name: str) -> Path | None:
        """The clip cut out so, else the one named by its id alone; for an id, any clip of it."""
        whole = self.by_name.get(name) or self.by_name.get(video_id(name))
        return whole or (self.by_id.get(name) if name == video_id(name) else None)
