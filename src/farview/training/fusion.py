"""Late fusion: the class probabilities of streams that were trained apart, added (Simonyan and Zisserman, 2014).

Probabilities, not logits: each network's logits have a scale of their own, so that adding them would weigh the streams
by how sure they sound; and probabilities are what a phase keeps of every clip.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from farview.errors import FarviewError


@dataclass(frozen=True)
class Scores:
    """What a phase's `predictions.csv` says of N clips."""

    clips: tuple[str, ...]
    classes: tuple[str, ...]
    labels: Tensor
    """(N,) int64."""
    predicted: Tensor
    """(N,) int64."""
    probabilities: Tensor
    """(N, classes) float64."""


def read_scores(path: Path) -> Scores:
    """What `write_predictions` wrote."""
    with path.open(newline="") as file:
        head, *rows = csv.reader(file)
    classes = tuple(head[3:])
    place = {name: number for number, name in enumerate(classes)}
    return Scores(
        tuple(row[0] for row in rows),
        classes,
        torch.tensor([place[row[1]] for row in rows]),
        torch.tensor([place[row[2]] for row in rows]),
        torch.tensor([[float(value) for value in row[3:]] for row in rows], dtype=torch.float64),
    )


def added(streams: Sequence[Scores], weights: Sequence[float]) -> Scores:
    """One stream's scores for many: the weighted mean of the probabilities.

    Raises FarviewError where the streams saw other clips or know other classes.
    """
    first = streams[0]
    for other in streams[1:]:
        if (other.clips, other.classes) != (first.clips, first.classes):
            raise FarviewError(
                "streams can be added only where they have the same clips and the same classes"
            )
    probabilities = fuse([stream.probabilities for stream in streams], weights)
    return Scores(first.clips, first.classes, first.labels, probabilities.argmax(1), probabilities)


def fuse(probabilities: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Weighted mean of tensors of one shape; weights of at least 0, not all 0."""
    total = sum(weight * each for weight, each in zip(weights, probabilities, strict=True))
    assert isinstance(total, Tensor)
    return total / sum(weights)
