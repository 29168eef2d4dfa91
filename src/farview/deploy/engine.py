"""What runs a model: features of single intervals, and the decision over K of them, apart from each other."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from farview.frames.source import Images
from farview.models.contract import Contract


class Engine(Protocol):
    """A model at work. Batches of any size; an interval's features do not depend on what else is in its batch."""

    contract: Contract

    def features(self, frames: Images) -> NDArray[np.float32]:
        """Intervals as the model's camera gives them, (N, T, h, w, C) uint8 -> (N, D)."""
        ...

    def decide(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The features of K intervals each, (B, K, D) -> probabilities (B, classes)."""
        ...


def open_engine(path: str | Path) -> Engine:
    """The engine for a model file. Raises FarviewError where it is none."""
    from farview.deploy.torch_engine import TorchEngine

    return TorchEngine(path)
