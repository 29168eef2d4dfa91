"""The model as the server uses it: windows of eLR frames in, labels and where it looked out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview.deploy.runner import open_model
from farview.errors import FarviewError, extras_named
from farview.frames.source import Images
from farview.models.bundle import is_bundle
from farview.models.contract import read_contract

Seen = tuple[NDArray[np.floating], NDArray[np.float32], NDArray[np.uint8] | None]
"""Of a batch: scores (B, classes), temporal attention (B, K), spatial attention (B, K, h, w) where it is known."""


@dataclass(frozen=True)
class Answer:
    """What the network says of one window of K intervals."""

    scores: dict[str, float]
    """Every class with its probability, the most likely first."""
    attention: NDArray[np.float32]
    """(K,) weight of each interval; they sum to 1."""
    maps: NDArray[np.uint8] | None
    """(K, h, w) spatial attention of the last stage (Eq. 1), 255 where it is largest in this window; None of an
    exported model, whose graphs do not give it."""

    def to_dict(self, maps: bool = True) -> dict[str, Any]:
        """For JSON; with the maps where wanted and there."""
        label, score = next(iter(self.scores.items()))
        answer = {
            "label": label,
            "score": score,
            "scores": self.scores,
            "attention": self.attention.tolist(),
        }
        return answer | ({"maps": self.maps.tolist()} if maps and self.maps is not None else {})


class Network:
    """A model for eLR frames: a model file by PyTorch, or what `farview export` made of it without."""

    def __init__(self, path: str | Path) -> None:
        """Raises FarviewError where `path` is no Farview model, or one that sees HR frames or optical flow."""
        self.contract = read_contract(path)
        if self.contract.resolution != "elr" or self.contract.sensor is None:
            raise FarviewError(
                f"{path}: sees HR frames, which never reach the server; name a model for eLR frames"
            )
        if self.contract.flow is not None:
            raise FarviewError(f"{path}: sees optical flow, which is not served; name a model for frames")
        self.sensor = self.contract.sensor
        self.maps = not is_bundle(path)
        """Whether answers hold spatial attention."""
        self._see = _exported(path) if is_bundle(path) else _by_pytorch(path)

    def answers(self, windows: Sequence[Images]) -> list[Answer]:
        """All windows, each (K, T, h, w, C) uint8, in one pass of the network."""
        scores, attention, maps = self._see(np.stack(windows))
        classes = self.contract.classes
        return [
            Answer(
                {classes[i]: float(p[i]) for i in np.argsort(-p, kind="stable")},
                attention[b],
                None if maps is None else maps[b],
            )
            for b, p in enumerate(scores)
        ]


def _exported(path: str | Path) -> Callable[[Images], Seen]:
    runner = open_model(path)

    def see(windows: Images) -> Seen:
        features = runner.features(windows.reshape(-1, *windows.shape[2:]))  # (B*K, D)
        features = features.reshape(*windows.shape[:2], -1)  # (B, K, D)
        return runner.decide(features), runner.attend(features), None

    return see


def _by_pytorch(path: str | Path) -> Callable[[Images], Seen]:
    with extras_named(str(path)):
        from farview.deploy.serve.maps import with_maps

        return with_maps(path)
