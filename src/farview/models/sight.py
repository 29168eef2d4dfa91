"""What a model's camera makes of recorded frames, by its contract alone: no network, no PyTorch."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.errors import UnreadableClip
from farview.frames.arrays import ArrayFrames, MemoryFrames
from farview.frames.depth import DepthFile
from farview.frames.open import source_of
from farview.frames.recording import refuse_other_size
from farview.frames.resize import hr_frames
from farview.frames.sensor import SensorModel
from farview.frames.source import Frames, Images, Source
from farview.models.contract import Contract

Recording = str | Path | Source | Images
"""A file or folder, a description of one, or the frames themselves: (N, H, W, C) or (N, H, W) uint8."""


def see(frames: Images, indices: NDArray[np.int64], contract: Contract) -> Images:
    """Recorded frames (N, H, W, C) with their numbers (N,) as the model's camera gives them, (N, h, w, C).

    A student's frames go through its sensor model, unless they have the sensor's size: then they are eLR
    already and stay as they are. A teacher's are cropped and resized to its input. Colour becomes luma
    for a model of one channel; grey is repeated for a model of three. A flow model's frames keep their colours.
    Raises FarviewError for too few pixels.
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


def refuse(opened: Frames, name: str, contract: Contract) -> None:
    """Raise UnreadableClip where an eLR recording is of another size than the model's camera gives."""
    sensor = contract.sensor if contract.resolution == "elr" else None
    try:
        refuse_other_size(opened, (sensor.height, sensor.width) if sensor else None)
    except UnreadableClip as error:
        raise UnreadableClip(f"{name}: {error}") from None


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
