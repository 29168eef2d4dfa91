"""IXMAS (Weinland, Ronfard, Boyer, CVIU 2006) in the two layouts in which it exists; leave one actor out."""

import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from farview.data.clip import Clip, DataSet
from farview.data.config import DataConfig
from farview.data.layout import find_files, find_videos, nearest, read_lines
from farview.errors import FarviewError
from farview.frames.images import ImageFolder
from farview.frames.open import source_of
from farview.frames.segment import Segment

ACTORS = ["alba", "amel", "andreas", "chiara", "clare", "daniel", "florian", "hedlena", "julien", "nicolas"]
ACTIONS = [
    "check watch",
    "cross arms",
    "scratch head",
    "sit down",
    "get up",
    "turn around",
    "walk",
    "wave",
    "punch",
    "kick",
    "point",
    "pick up",
    "throw overhead",
    "throw from below",
]
"""In the order of their numbers, from 1."""
ROI = tuple(range(1, 13))
"""Actions of the regions of interest: 12 classes, 1,800 clips."""
MAKERS = (*range(1, 11), 12)
"""Actions of the makers' protocol, which drops `point` and the throws: 11 classes, 1,650 clips."""
ROI_NAME = re.compile(r"([a-z]+)(\d)_(\d\d)_.*_cam\d_frames_\d+_\d+")
FOLDS = 10


def ixmas(root: Path, config: DataConfig) -> DataSet:
    """Videos named `alba1_01_check-watch_cam0_frames_0053_0097.avi` (regions of interest, EPFL; 12 classes), or
    folders `alba1_png/cam0/img0000.png` with `alba1_truth.txt` (original, INRIA; the makers' 11 classes).

    `config.split` leaves one actor out for testing, by name or number 1..10 in alphabetical order. `random1` to
    `random10` take a tenth of each class instead, all actors in both parts, which some papers report: easier, and
    the notes say so. Group: the actor; recording: the take, which all cameras saw. Raises `FarviewError` for files
    named otherwise and actors not there.
    """
    videos = [path for path in find_videos(root) if ROI_NAME.fullmatch(path.stem.lower())]
    numbers, clips = (ROI, roi_clips(videos, root)) if videos else (MAKERS, original_clips(root))
    clips = [replace(clip, label=numbers.index(clip.label)) for clip in clips if clip.label in numbers]
    if not clips:
        raise FarviewError(
            f"{root}: no IXMAS clips; expected alba1_01_check-watch_cam0_frames_0053_0097.avi and so on, "
            f"or folders alba1_png/cam0 with alba1_truth.txt"
        )
    clips, note = divide(clips, config, root)
    expected = 150 * len(numbers)
    notes = [note] + (
        [f"{len(clips)} clips; the whole data set has {expected}"] if len(clips) != expected else []
    )
    return DataSet(config.source, tuple(ACTIONS[n - 1] for n in numbers), tuple(clips), notes=tuple(notes))


def roi_clips(videos: list[Path], root: Path) -> list[Clip]:
    """One clip per file; labels are action numbers from 1."""
    clips = []
    for path in videos:
        found = ROI_NAME.fullmatch(path.stem.lower())
        assert found is not None
        label = int(found[3])
        if label not in ROI:
            raise FarviewError(f"{path}: action {found[3]}; expected 01 to 12")
        name, who = path.relative_to(root).as_posix(), actor(found[1], path)
        clips.append(Clip(name, source_of(path), label, "train", who, f"{who}{found[2]}"))
    return clips


def original_clips(root: Path) -> list[Clip]:
    """One clip per camera and run of equal numbers in a truth file; labels are action numbers from 1."""
    truths = {
        path.name.lower(): path for path in find_files(root) if path.name.lower().endswith("_truth.txt")
    }
    clips = []
    for folder in sorted(p for depth in ("*", "*/*") for p in root.glob(depth) if p.is_dir()):
        found = re.fullmatch(r"([a-z]+)(\d)_png", folder.name.lower())
        if found is None:
            continue
        truth = truths.get(f"{found[1]}{found[2]}_truth.txt")
        if truth is None:
            raise FarviewError(f"{folder}: no {found[1]}{found[2]}_truth.txt with its labels below {root}")
        who = actor(found[1], folder)
        for camera in sorted(path for path in folder.iterdir() if path.is_dir()):
            for label, start, stop in runs(truth):
                name = f"{camera.relative_to(root).as_posix()}[{start}:{stop}]"
                source = Segment(ImageFolder(camera), start, stop)
                clips.append(Clip(name, source, label, "train", who, f"{who}{found[2]}"))
    return [clip for clip in clips if clip.group is not None]


def runs(truth: Path) -> list[tuple[int, int, int]]:
    """(action, first frame, frame after the last) of each run of equal numbers, 0 (nothing) left out."""
    numbers = []
    for line, where in read_lines(truth):
        for word in line.split():
            if not word.isdigit() or int(word) > len(ACTIONS):
                raise FarviewError(f"{where}: '{word}'; expected one number 0..{len(ACTIONS)} for each frame")
            numbers.append(int(word))
    result, start = [], 0
    for label, run in groupby(numbers):
        stop = start + len(list(run))
        if label:
            result.append((label, start, stop))
        start = stop
    return result


def actor(name: str, path: Path) -> str | None:
    """The actor's name in one spelling; None for the two whom the makers leave out."""
    name = {"ciara": "chiara"}.get(name.lower(), name.lower())
    if name in ("pao", "srikumar"):
        return None
    if name not in ACTORS:
        raise FarviewError(f"{path}: unknown actor '{name}'; expected one of {', '.join(ACTORS)}")
    return name


def divide(clips: list[Clip], config: DataConfig, root: Path) -> tuple[list[Clip], str]:
    """The clips with their parts, and a line that says how they were divided."""
    fold = re.fullmatch(r"random(\d+)", config.split)
    if fold and 1 <= int(fold[1]) <= FOLDS:
        tested = random_fold(clips, int(fold[1]))
        note = f"random fold {fold[1]} of {FOLDS}: the same actors train and test; not comparable to leaving one out"
    else:
        name = ACTORS[int(config.split) - 1] if config.split in map(str, range(1, 11)) else config.split
        tested = {clip.id for clip in clips if clip.group == name}
        if not tested:
            there = sorted({clip.group for clip in clips if clip.group})
            raise FarviewError(
                f"{root}: no clips of actor '{name}' to leave out{nearest(name, there)}; there: {', '.join(there)}"
            )
        note = f"actor {name} left out for testing"
    return [replace(clip, part="test" if clip.id in tested else "train") for clip in clips], note


def random_fold(clips: list[Clip], fold: int) -> set[str]:
    """Ids of the `fold`-th tenth (1..10) of each class, in an order shuffled once for all folds."""
    tested: set[str] = set()
    for label in sorted({clip.label for clip in clips if clip.label is not None}):
        ids = np.random.default_rng(label).permutation(
            sorted(clip.id for clip in clips if clip.label == label)
        )
        tested.update(str(name) for name in np.array_split(ids, FOLDS)[fold - 1])
    return tested
