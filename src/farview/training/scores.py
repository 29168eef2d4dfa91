"""The `predictions.csv` that a run, a rival and `farview evaluate` write of every clip, read again; without PyTorch."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError


@dataclass(frozen=True)
class Scores:
    """What a `predictions.csv` says of N clips."""

    clips: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    """(N,)."""
    predicted: NDArray[np.int64]
    """(N,)."""
    probabilities: NDArray[np.float64]
    """(N, classes)."""

    @property
    def hits(self) -> NDArray[np.bool_]:
        """(N,) whether each clip was recognised."""
        return self.labels == self.predicted


def read_scores(path: Path, classes: tuple[str, ...] | None = None) -> Scores:
    """What `write_predictions` wrote, at least one clip.

    Raises FarviewError where it is no such file, or not of a model with these `classes`.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        known = tuple(header[3:])
        if classes is not None and known != classes:
            raise FarviewError(
                f"{path}: not this model's predictions; expected the columns clip, label, predicted, "
                f"{', '.join(classes)}"
            )
        if not rows:
            raise FarviewError(f"{path}: holds no predictions")
        return Scores(
            tuple(row[0] for row in rows),
            known,
            np.array([known.index(row[1]) for row in rows]),
            np.array([known.index(row[2]) for row in rows]),
            np.array([[float(value) for value in row[3:]] for row in rows]),
        )
    except (OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FarviewError(f"{path}: cannot be read as predictions: {reason}") from None
