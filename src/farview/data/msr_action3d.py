"""MSR-Action3D (Li, Zhang, Liu, CVPRW 2010): depth clips `aAA_sSS_eEE_sdepth.mat`, cross-subject."""

import re
from pathlib import Path

from farview.data.clip import Clip, DataSet, Part
from farview.data.config import DataConfig
from farview.data.layout import find_files
from farview.errors import FarviewError
from farview.frames.depth import DepthFile

CLASSES = [
    "high arm wave",
    "horizontal arm wave",
    "hammer",
    "hand catch",
    "forward punch",
    "high throw",
    "draw x",
    "draw tick",
    "draw circle",
    "hand clap",
    "two hand wave",
    "side boxing",
    "bend",
    "forward kick",
    "side kick",
    "jogging",
    "tennis swing",
    "tennis serve",
    "golf swing",
    "pick up and throw",
]
"""In the order of their numbers aAA, from 1."""
SUBJECTS = range(1, 11)
HELD_OUT = {f"held-out{subject}": subject for subject in SUBJECTS if subject % 2}
"""Splits of the training subjects alone: the named one is left out for testing."""


def msr_action3d(root: Path, config: DataConfig) -> DataSet:
    """Split 1: subjects 1 3 5 7 9 for training, 2 4 6 8 10 for testing; group: the subject.

    Splits held-out1, held-out3 ... held-out9 choose settings without the test subjects: the training subject
    of that number is left out for testing, and subjects 2 4 6 8 10 are not used.

    Raises `FarviewError` that names an unknown split, or a file with an action outside 1..20 or a subject outside
    1..10.
    """
    if config.split not in ("1", *HELD_OUT):
        raise FarviewError(
            f"msr-action3d split '{config.split}': expected 1 (cross-subject) or, to choose settings on training "
            f"subjects, {', '.join(HELD_OUT)}"
        )
    clips = []
    for path in find_files(root):
        if not path.name.lower().endswith("_sdepth.mat"):
            continue
        found = re.fullmatch(r"a(\d+)_s(\d+)_e(\d+)_sdepth\.mat", path.name.lower())
        if found is None:
            raise FarviewError(
                f"{path}: unknown name; expected aAA_sSS_eEE_sdepth.mat, as a01_s01_e01_sdepth.mat"
            )
        action, subject = int(found[1]), int(found[2])
        if not 1 <= action <= len(CLASSES):
            raise FarviewError(f"{path}: action a{found[1]}; expected a01 to a{len(CLASSES)}")
        if subject not in SUBJECTS:
            raise FarviewError(f"{path}: subject s{found[2]}; expected s01 to s{max(SUBJECTS)}")
        source = DepthFile(path, box=config.box, distance=config.distance)
        clips.append(
            Clip(
                path.relative_to(root).as_posix(),
                source,
                action - 1,
                part_of(subject, config.split),
                f"s{subject:02d}",
            )
        )
    if not clips:
        raise FarviewError(f"{root}: no depth clips in it; expected files a01_s01_e01_sdepth.mat and so on")
    return DataSet(config.source, tuple(CLASSES), tuple(clips))


def part_of(subject: int, split: str) -> Part:
    """What a subject's clips serve for."""
    if split == "1":
        return "train" if subject % 2 else "test"
    if subject % 2 == 0:
        return "unused"
    return "test" if subject == HELD_OUT[split] else "train"
