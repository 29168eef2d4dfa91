"""A model file run by PyTorch."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from farview.data.augment import as_video, enlarge, normalise
from farview.frames.source import Images
from farview.models.model_file import load_model


class TorchEngine:
    """Obeys `farview.deploy.engine.Engine`."""

    def __init__(self, path: str | Path) -> None:
        """Raises FarviewError where `path` is no Farview model."""
        self.network, self.contract = load_model(path)

    @torch.inference_mode()
    def features(self, frames: Images) -> NDArray[np.float32]:
        """Intervals (N, T, h, w, C) uint8 -> (N, D)."""
        video = enlarge(as_video(torch.from_numpy(frames)[None]), self.contract.input_size)
        video = normalise(video, self.contract.mean, self.contract.std)[0]  # (N, C, T, H, W)
        last = self.network.backbone(self.network.stack(video))[-1]  # (N, D, [T,] H, W)
        return last.flatten(2).mean(2).numpy()

    @torch.inference_mode()
    def decide(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(B, K, D) -> probabilities (B, classes)."""
        intervals = torch.from_numpy(features)
        weights = self.network.attention(intervals).attention  # (B, K)
        logits = self.network.fc((weights[..., None] * intervals).sum(1))
        return logits.double().softmax(1).numpy()
