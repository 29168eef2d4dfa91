"""The model as the server uses it: windows of eLR frames in, labels and where it looked out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from farview.errors import FarviewError
from farview.frames.source import Images
from farview.models.recogniser import Recogniser
from farview.transfer.attention import spatial_attention


@dataclass(frozen=True)
class Answer:
    """What the network says of one window of K intervals."""

    scores: dict[str, float]
    """Every class with its probability, the most likely first."""
    attention: NDArray[np.float32]
    """(K,) weight of each interval; they sum to 1."""
    maps: NDArray[np.uint8]
    """(K, h, w) spatial attention of the last stage (Eq. 1), 255 where it is largest in this window."""

    def to_dict(self, maps: bool = True) -> dict[str, Any]:
        """For JSON; with the maps where wanted."""
        label, score = next(iter(self.scores.items()))
        answer = {
            "label": label,
            "score": score,
            "scores": self.scores,
            "attention": self.attention.tolist(),
        }
        return answer | ({"maps": self.maps.tolist()} if maps else {})


class Network:
    """A model for eLR frames."""

    def __init__(self, path: str | Path) -> None:
        """Raises FarviewError where `path` is no Farview model, or one that sees HR frames or optical flow."""
        self._recogniser = Recogniser(path)
        self.contract = self._recogniser.contract
        if self.contract.resolution != "elr" or self.contract.sensor is None:
            raise FarviewError(
                f"{path}: sees HR frames, which never reach the server; name a model for eLR frames"
            )
        if self.contract.flow is not None:
            raise FarviewError(f"{path}: sees optical flow, which is not served; name a model for frames")
        self.sensor = self.contract.sensor

    def answers(self, windows: Sequence[Images]) -> list[Answer]:
        """All windows, each (K, T, h, w, C) uint8, in one pass of the network."""
        output = self._recogniser.forward(torch.cat([self._recogniser.video(window) for window in windows]))
        probabilities = output.logits.double().softmax(1).cpu().numpy()  # (B, classes)
        attention = output.attention.float().cpu().numpy()  # (B, K)
        maps = spatial_attention(output.stages[-1])  # (B, K*T', h, w)
        maps = maps.unflatten(1, (attention.shape[1], -1)).mean(2)  # (B, K, h, w)
        maps = (255 * maps / maps.amax((1, 2, 3), keepdim=True).clamp_min(1e-12)).round().byte().cpu()
        return [
            Answer(
                {self.contract.classes[i]: float(p[i]) for i in np.argsort(-p, kind="stable")}, a, m.numpy()
            )
            for p, a, m in zip(probabilities, attention, maps, strict=True)
        ]
