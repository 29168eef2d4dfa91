"""A trained model at work on one recording: read, see as the model's camera would, recognise."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from farview.data.augment import as_video, enlarge, normalise
from farview.frames.source import Images
from farview.models.model_file import load_model
from farview.models.network import ActionOutput
from farview.models.sight import Recording, look


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
        sight = look(recording, self.contract)
        video = self.video(sight.seen)
        output = self.forward(video)
        with torch.inference_mode():
            interval_logits = self.network.interval_logits(output.features[0])
        probabilities = output.logits[0].double().softmax(0).cpu().numpy()
        return Recognition(
            probabilities,
            interval_logits.cpu(),
            output,
            video,
            sight.seen,
            sight.frames,
            sight.indices,
            sight.length,
        )

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
