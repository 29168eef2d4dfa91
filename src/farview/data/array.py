"""Recordings of thermal arrays and depth cameras in one `.npz` file; leave one group out."""

import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview.data.clip import Clip, DataSet
from farview.data.config import DataConfig
from farview.data.folder import divide
from farview.data.layout import nearest, refuse_untrained
from farview.errors import FarviewError
from farview.frames.arrays import ArrayFrames, load_array

Array = NDArray[Any]
ROBUST = (0.1, 99.9)
"""Percentiles of the training clips' values that become grey 0 and 255 where none are given."""


def array(root: Path, config: DataConfig) -> DataSet:
    """Clips of an `.npz` file (or of the only one in a folder) with

    - `frames` (T, H, W) or (T, H, W, C), all clips one after the other, any numeric type;
    - `length` (clips,), frames of each clip, with the sum T;
    - `label` (clips,), names, or numbers from 0 into `classes` (names) or for themselves;
    - `group` (clips,), optional: person or session.

    `config.split` names the group left out for testing, or gives its number from 1 in sorted order. Without groups
    `config.test_share` of the clips is for testing. Values from `config.low` to `config.high` become grey 0..255;
    by default the range of the training clips without 0.1 % at either end, which the notes state.
    Raises `FarviewError` naming the file and the array that does not fit.
    """
    path = find_file(root)
    arrays = read_arrays(path)
    starts = np.concatenate([[0], np.cumsum(arrays["length"])]).astype(int)
    classes, labels = read_labels(path, arrays)
    groups = None if "group" not in arrays else [str(g) for g in arrays["group"]]
    sources = [ArrayFrames(path, int(a), int(b)) for a, b in pairwise(starts)]
    clips = tuple(
        Clip(f"{i:06d}", source, label, "train", groups[i] if groups else None)
        for i, (source, label) in enumerate(zip(sources, labels, strict=True))
    )
    clips, notes = leave_out(clips, path, config) if groups else divide(clips, config)
    refuse_untrained(clips, classes)
    train = [source for source, clip in zip(sources, clips, strict=True) if clip.part == "train"]
    low, high, stated = grey_range(path, train or sources, config)
    scaled = [replace(source, low=low, high=high) for source in sources]
    clips = tuple(replace(clip, source=source) for clip, source in zip(clips, scaled, strict=True))
    return DataSet(config.source, classes, clips, notes=(*notes, *stated))


def find_file(root: Path) -> Path:
    """`root` itself, or the only `.npz` file in it."""
    paths = sorted(root.glob("*.npz")) if root.is_dir() else [root]
    if len(paths) != 1 or paths[0].suffix.lower() != ".npz":
        there = ", ".join(path.name for path in paths) or "none"
        raise FarviewError(f"{root}: expected one .npz file, found {there}; name the file itself")
    return paths[0]


def read_arrays(path: Path) -> dict[str, Array]:
    """All small arrays of the file, checked against each other and against `frames`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            for key in ("frames", "length", "label"):
                if key not in file:
                    raise FarviewError(
                        f"{path}: no array '{key}'{nearest(key, file)}; expected frames, length, label and, "
                        f"optionally, group and classes; there: {', '.join(file)}"
                    )
            arrays = {key: file[key] for key in ("length", "label", "group", "classes") if key in file}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise FarviewError(f"{path}: cannot be read as .npz without pickle: {error}") from None
    length, frames = arrays["length"], load_array(path, "frames")
    for key in ("length", "label", "group"):
        if key in arrays and (arrays[key].ndim != 1 or len(arrays[key]) != len(length)):
            count = f", {len(length)}" if length.ndim == 1 else ""
            raise FarviewError(
                f"{path}: '{key}' has shape {arrays[key].shape}; expected one value a clip{count}"
            )
    if length.dtype.kind not in "iu" or len(length) == 0 or length.min() < 1 or length.sum() != len(frames):
        raise FarviewError(
            f"{path}: 'length' must be whole numbers from 1 with the sum {len(frames)}, the frames; "
            f"got {length.dtype} with the sum {length.sum()}"
        )
    return arrays


def read_labels(path: Path, arrays: dict[str, Array]) -> tuple[tuple[str, ...], list[int]]:
    """Class names and each clip's index into them."""
    label = arrays["label"]
    names = [str(name) for name in arrays.get("classes", np.unique(label))]
    if label.dtype.kind in "iu" and "classes" in arrays:
        known: dict[Any, int] = {number: number for number in range(len(names))}
    elif label.dtype.kind in "iuUS":
        known = {name: i for i, name in enumerate(names)}
        label = label.astype(str)
    else:
        raise FarviewError(f"{path}: 'label' is {label.dtype}; expected names or whole numbers")
    for i, value in enumerate(label.tolist()):
        if value not in known:
            raise FarviewError(
                f"{path}: label {value!r} of clip {i} is none of the classes {', '.join(names)}"
            )
    if len(names) < 2:
        raise FarviewError(f"{path}: only one class ({names[0]}); a recogniser needs two or more")
    return tuple(names), [known[value] for value in label.tolist()]


def leave_out(
    clips: tuple[Clip, ...], path: Path, config: DataConfig
) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """The clips with the group `config.split` in part `test`, and a note that says so."""
    groups = sorted({clip.group for clip in clips if clip.group is not None}, key=lambda g: (len(g), g))
    left = config.split
    if left not in groups and left.isdigit() and 1 <= int(left) <= len(groups):
        left = groups[int(left) - 1]
    if left not in groups:
        raise FarviewError(
            f"{path}: no group '{left}' to leave out{nearest(left, groups)}; groups: {', '.join(groups)}"
        )
    note = f"group {left} of {', '.join(groups)} left out for testing"
    return tuple(replace(clip, part="test" if clip.group == left else "train") for clip in clips), (note,)


def grey_range(
    path: Path, train: list[ArrayFrames], config: DataConfig
) -> tuple[float | None, float | None, list[str]]:
    """The values that become grey 0 and 255, and a note where they come from the training clips.

    uint8 frames are grey levels already and stay as they are unless `low` or `high` is given.
    """
    frames = load_array(path, "frames")
    if (config.low is None) != (config.high is None):
        raise FarviewError("data.low and data.high go together: give both or neither")
    if config.low is not None or frames.dtype == np.uint8:
        return config.low, config.high, []
    values = np.concatenate([frames[source.start : source.stop].ravel() for source in train])
    low, high = (float(value) for value in np.nanpercentile(values, ROBUST))
    if not low < high:
        raise FarviewError(f"{path}: the training frames hold one value only, {low:g}; they show nothing")
    note = (
        f"values {low:.6g} to {high:.6g} become grey 0 to 255 ({ROBUST[0]} to {ROBUST[1]} % of the training values); "
        f"state them (low, high) where other recordings must be read alike"
    )
    return low, high, [note]
