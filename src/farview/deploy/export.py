"""The verb `farview export`: a trained model as one file that runs without PyTorch, checked before it is there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from farview.console import progress
from farview.data.clip import Clip
from farview.deploy.export_clips import clips_of, spread
from farview.deploy.formats import Format, exported, read_program
from farview.deploy.graphs import graphs, runs
from farview.deploy.runner import Runner, started
from farview.errors import FarviewError
from farview.frames.files import atomic_write
from farview.models.bundle import is_bundle, read_bundle, write_bundle
from farview.models.contract import CONTRACT
from farview.models.sight import look

CALIBRATION_CLIPS = 128
"""Training clips that int8's ranges are taken from."""
CHECK_CLIPS = 64
"""Clips that float32 is checked on; int8 on all that are given."""
TOLERANCE = 1e-4
"""Largest difference of a score in float32."""
DROP = 1.0
"""Points of Prec@1 that int8 may cost."""


@dataclass(frozen=True)
class Check:
    """An exported model beside the original, on the same frames."""

    clips: int
    difference: float
    """Largest of a score (0..1), over all clips and classes."""
    labelled: int
    """Of the clips."""
    prec1: tuple[float, float]
    """Of the original and the exported one on labelled clips, percent; 0 where there are none."""

    def to_dict(self) -> dict[str, Any]:
        """For the contract of what was exported."""
        before, after = self.prec1
        return {
            "prec1": after,
            "prec1_float32": before,
            "clips": self.labelled,
            "largest_difference": self.difference,
        }


def export(
    model: str | Path,
    format: Format,
    out: str | Path | None = None,
    int8: bool = False,
    calibrate: Sequence[str] = (),
    check: Sequence[str] = (),
    allow_drop: bool = False,
    quiet: bool = False,
) -> tuple[Path, Check]:
    """Write `model` in another format, where it passed its check; returns its path and what the check found.

    `calibrate` (int8) and `check` are data sets (`kind:folder`, of which the training and the test clips are taken)
    or, for `check`, recordings as well; default: the data that the model was trained on. Raises FarviewError where a
    score differs by 1e-4 or more, where int8 costs more than a point of Prec@1 unless `allow_drop`, and where clips
    are missing or unreadable; also where `out` is there and no exported model: a trained one is not written over.
    """
    if int8 and format == "program":
        raise FarviewError("--int8: is for onnx and openvino; a program stays in float32")
    if calibrate and not int8:
        raise FarviewError("--calibrate: is for --int8")
    interval, decision, contract = graphs(model)
    path = Path(out or f"{Path(model).stem}.{format}{'-int8' if int8 else ''}.zip")
    refuse_other(path)
    tested = clips_of(check, contract, "test", "--check")
    if int8 and all(clip.label is None for clip in tested):
        raise FarviewError("--check: int8 is judged by Prec@1; name labelled clips, as kind:folder")
    learned = clips_of(calibrate, contract, "train", "--calibrate") if int8 else []
    with progress("calibrating", quiet) as update:
        frames = []
        for clip in spread(learned, CALIBRATION_CLIPS):
            frames.append(look(clip.source, contract).seen)
            if update:
                update(len(frames), min(len(learned), CALIBRATION_CLIPS))
    if int8:
        contract = replace(contract, accuracy={})  # which was PyTorch's
    files = exported(interval, decision, contract, format, frames)
    original = Runner(contract, runs(interval), runs(decision))
    made = read_program(contract, files) if format == "program" else started(contract, files)
    assert made is not None
    found = compare(original, made, tested if int8 else spread(tested, CHECK_CLIPS), quiet)
    refuse(path, found, int8, allow_drop)
    if int8:
        measured = {"int8": found.to_dict() | {"data": list(check) or [contract.trained["data"]["source"]]}}
        files[CONTRACT] = replace(contract, accuracy=measured).to_json().encode()
    with atomic_write(path) as file:
        write_bundle(file, files)
    return path, found


def compare(original: Runner, made: Runner, clips: Sequence[Clip], quiet: bool = True) -> Check:
    """Both models on the centred intervals of `clips`. Raises FarviewError for unreadable ones."""
    difference, right, labelled = 0.0, np.zeros(2), 0
    with progress("checking", quiet) as update:
        for number, clip in enumerate(clips):
            seen = look(clip.source, original.contract).seen
            scores = np.stack([each.decide(each.features(seen)[None])[0] for each in (original, made)])
            difference = float(np.maximum(difference, np.abs(scores[0] - scores[1]).max()))  # NaN stays
            if clip.label is not None:
                labelled += 1
                right += scores.argmax(1) == clip.label
            if update:
                update(number + 1, len(clips))
    first, second = (100 * right / max(1, labelled)).tolist()
    return Check(len(clips), difference, labelled, (first, second))


def refuse_other(path: Path) -> None:
    """Raise FarviewError where `path` is there and not what an export has written."""
    try:
        if not path.exists() or (is_bundle(path) and read_bundle(path, CONTRACT)):
            return
    except FarviewError:
        pass
    raise FarviewError(f"--out: {path} is there already and no exported model; name another file")


def refuse(path: Path, found: Check, int8: bool, allow_drop: bool) -> None:
    """Raise FarviewError where what was found is worse than an export may be."""
    limit = math.inf if int8 else TOLERANCE
    if not found.difference < limit:  # also where it is no number
        raise FarviewError(
            f"{path}: not written: a score differs by {found.difference:.2g} from PyTorch's on {found.clips} clips, "
            f"not by less than {limit:g}; another version of what runs it may help, or another --format"
        )
    before, after = found.prec1
    if int8 and not allow_drop and before - after > DROP:
        raise FarviewError(
            f"{path}: not written: int8 lowers Prec@1 from {before:.1f} to {after:.1f} % on {found.labelled} clips, "
            f"more than {DROP:g} point; leave out --int8, --calibrate with other clips, or --allow-drop"
        )


def print_check(path: Path, found: Check) -> None:
    """One line: the file, its size, and how near it is to the original."""
    prec1 = ""
    if found.labelled:
        before, after = found.prec1
        prec1 = f"; Prec@1 {after:.1f} % on {found.labelled} of them, PyTorch {before:.1f} %"
    print(
        f"{path}: {path.stat().st_size / 1e6:.1f} MB; largest difference of a score {found.difference:.2g} "
        f"on {found.clips} clips{prec1}"
    )
