"""What a model is shown of a recording: read, then seen as its camera would. Torch-free, as deployment is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError, UnreadableClip
from farview.frames.arrays import ArrayFrames, MemoryFrames
from farview.frames.depth import DepthFile
from farview.frames.flow import flow
from farview.frames.open import source_of
from farview.frames.recording import refuse_other_size
from farview.frames.resize import hr_frames
from farview.frames.sensor import SensorModel
from farview.frames.source import Frames, Images, Source
from farview.models.contract import Contract

Recording = str | Path | Source | Images
"""A file or folder, a description of one, or the frames themselves: (N, H, W, C) or (N, H, W) uint8."""


@dataclass(frozen=True)
class Sight:
    """K intervals of T frames of one recording."""

    seen: Images
    """(K, T, h, w, C) by the model's camera: eLR for a student, HR at the input's size for a teacher; flow
    (C = 2) for a model that sees flow."""
    frames: Images
    """(K, T, H, W, C) as they were recorded."""
    indices: NDArray[np.int64]
    """(K, T) their numbers in the recording."""
    length: int
    """Frames in the recording."""


def look(recording: Recording, contract: Contract) -> Sight:
    """Centred intervals of a recording; only the frames that they hold are decoded.

    Raises FarviewError or UnreadableClip where the frames cannot be had or are too few in pixels.
    """
    source = described(recording, contract.trained)
    with source.open() as opened:
        refuse(opened, source.name, contract)
        length = len(opened)
        indices = contract.intervals.indices(length)  # (K, T)
        numbers, place = np.unique(indices.ravel(), return_inverse=True)  # short ones repeat frames
        try:
            read, seen = shown_frames(opened, numbers, contract)
        except UnreadableClip:
            raise
        except FarviewError as error:
            raise FarviewError(f"{source.name}: {error}") from None
    frames = read[place].reshape(*indices.shape, *read.shape[1:])  # (K, T, H, W, C)
    seen = seen[place].reshape(*indices.shape, *seen.shape[1:])  # (K, T, h, w, C)
    return Sight(seen, frames, indices, length)


def shown_frames(opened: Frames, numbers: NDArray[np.int64], contract: Contract) -> tuple[Images, Images]:
    """Frames `numbers` (N,), rising, of an opened recording: as recorded (N, H, W, C), and as the network is shown
    them, (N, h, w, C): what `see` gives, or for a flow model the motion since the frame before each.
    """
    if contract.flow is None:
        read = opened.read(numbers.tolist())
        return read, see(read, numbers, contract)
    needed = np.union1d(numbers, np.maximum(numbers - 1, 0))
    read = opened.read(needed.tolist())
    seen = dict(zip(needed.tolist(), see(read, needed, contract), strict=True))
    moved = [flow(seen.get(n - 1), seen[n], contract.flow) for n in numbers.tolist()]
    return read[np.searchsorted(needed, numbers)], np.stack(moved)


def refuse(opened: Frames, name: str, contract: Contract) -> None:
    """Raise where an eLR recording is of another size than this model's camera gives."""
    sensor = contract.sensor if contract.resolution == "elr" else None
    try:
        refuse_other_size(opened, (sensor.height, sensor.width) if sensor else None)
    except UnreadableClip as error:
        raise UnreadableClip(f"{name}: {error}") from None


def see(frames: Images, indices: NDArray[np.int64], contract: Contract) -> Images:
    """Recorded frames (N, H, W, C) with their numbers (N,) as the model's camera gives them, (N, h, w, C).

    A student's frames go through its sensor model, unless they have the sensor's size: then they are eLR
    already and stay as they are. A teacher's are cropped and resized to its input. Colour becomes luma
    for a model of one channel; grey is repeated for a model of three. A flow model's frames keep their colours.
    """
    if contract.channels == 1 and frames.shape[-1] == 3:
        frames = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])[..., None]
    sensor = contract.sensor or SensorModel()
    if contract.resolution == "elr":
        seen = sensor.degrade(frames, indices.tolist())
    else:
        seen = hr_frames(frames, contract.input_size, (sensor.height, sensor.width))
    if contract.flow is not None:
        return seen
    return np.repeat(seen, contract.channels // seen.shape[-1], axis=-1)


def seen_size(contract: Contract) -> tuple[int, int]:
    """Height and width of the frames that `see` gives, pixels."""
    if contract.resolution == "elr" and contract.sensor is not None:
        return contract.sensor.height, contract.sensor.width
    return contract.input_size


def described(recording: Recording, trained: Mapping[str, Any] | None = None) -> Source:
    """A recording as a source of frames. Raises UnreadableClip where there is none.

    A file is read with the options that the training clips were read with (`trained`: the contract's): a depth
    clip's box and distance, the values of an array that become grey 0 and 255.
    """
    if isinstance(recording, np.ndarray):
        return MemoryFrames(recording)
    if not isinstance(recording, str | Path):
        return recording
    source = source_of(recording)
    options = (trained or {}).get("data", {})
    keys = {DepthFile: ("box", "distance"), ArrayFrames: ("low", "high")}.get(type(source), ())
    return replace(source, **{key: options[key] for key in keys if key in options})  # type: ignore[type-var]
