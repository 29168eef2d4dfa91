"""A trained model at work on one recording: read, see as the model's camera would, recognise."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from farview.data.augment import as_video, enlarge, normalise
from farview.errors import FarviewError, UnreadableClip
from farview.frames.flow import flow
from farview.frames.source import Frames, Images
from farview.models.model_file import load_model
from farview.models.network import ActionOutput
from farview.models.sight import Recording, described, refuse, see

__all__ = ["Recogniser", "Recognition", "Recording", "described"]


@dataclass(frozen=True)
class Recognition:
    """What a model made of one recording: K intervals of T frames."""

    probabilities: NDArray[np.float64]
    """(classes,), sum 1."""
    interval_logits: Tensor
    """(K, classes) of each interval by itself, without temporal attention."""
    output: ActionOutput
    """Logits, features, stage maps and temporal attention, with B = 1."""
    video: Tensor
    """(1, K, C, T, H, W) grey levels 0..255: the network's input before normalisation."""
    seen: Images
    """(K, T, h, w, C): the same before up-sampling, eLR for a student, HR at the input's size for a teacher; flow
    (C = 2) for a model that sees flow."""
    frames: Images
    """(K, T, H, W, C) as they were recorded."""
    indices: NDArray[np.int64]
    """(K, T) their numbers in the recording."""
    length: int
    """Frames in the recording."""


class Recogniser:
    """A model file with everything between a recording and its scores, the same as in training and testing."""

    def __init__(self, path: str | Path, device: torch.device | str = "cpu") -> None:
        """Raises FarviewError where `path` is no Farview model."""
        self.network, self.contract = load_model(Path(path))
        self.network = self.network.to(device).eval()
        self.device = device

    def recognise(self, recording: Recording) -> Recognition:
        """Centred intervals through the network; only the frames that they hold are decoded.

        Raises FarviewError or UnreadableClip where the frames cannot be had or are too few in pixels.
        """
        source = described(recording, self.contract.trained)
        with source.open() as opened:
            refuse(opened, source.name, self.contract)
            length = len(opened)
            indices = self.contract.intervals.indices(length)  # (K, T)
            numbers, place = np.unique(indices.ravel(), return_inverse=True)  # short ones repeat frames
            try:
                read, seen = self.look(opened, numbers)
            except UnreadableClip:
                raise
            except FarviewError as error:
                raise FarviewError(f"{source.name}: {error}") from None
        frames = read[place].reshape(*indices.shape, *read.shape[1:])  # (K, T, H, W, C)
        seen = seen[place].reshape(*indices.shape, *seen.shape[1:])  # (K, T, h, w, C)
        video = self.video(seen)
        output = self.forward(video)
        with torch.inference_mode():
            interval_logits = self.network.fc(output.features[0])
        probabilities = output.logits[0].double().softmax(0).cpu().numpy()
        return Recognition(probabilities, interval_logits.cpu(), output, video, seen, frames, indices, length)

    def look(self, opened: Frames, numbers: NDArray[np.int64]) -> tuple[Images, Images]:
        """Frames `numbers` (N,), rising, of an opened recording: as recorded (N, H, W, C), and as the network is shown
        them, (N, h, w, C): what `see` gives, or for a flow model the motion since the frame before each.
        """
        flow_config = self.contract.flow
        if flow_config is None:
            read = opened.read(numbers.tolist())
            return read, self.see(read, numbers)
        needed = np.union1d(numbers, np.maximum(numbers - 1, 0))
        read = opened.read(needed.tolist())
        seen = dict(zip(needed.tolist(), self.see(read, needed), strict=True))
        moved = [flow(seen.get(n - 1), seen[n], flow_config) for n in numbers.tolist()]
        return read[np.searchsorted(needed, numbers)], np.stack(moved)

    def see(self, frames: Images, indices: NDArray[np.int64]) -> Images:
        """Recorded frames (N, H, W, C) with their numbers (N,) as this model's camera gives them, (N, h, w, C)."""
        return see(frames, indices, self.contract)

    def video(self, seen: Images, size: tuple[int, int] | None = None) -> Tensor:
        """Frames of the model's camera (K, T, h, w, C) as the network's input, (1, K, C, T, H, W) grey levels.

        `size` (H, W) is another input's, to lay a student's frames beside T-Net's.
        """
        frames = torch.from_numpy(np.ascontiguousarray(seen))[None].to(self.device)
        return enlarge(as_video(frames), size or self.contract.input_size)

    @torch.inference_mode()
    def forward(self, video: Tensor) -> ActionOutput:
        """Grey levels (B, K, C, T, H, W) through the network."""
        return self.network(normalise(video, self.contract.mean, self.contract.std))
