"""Late fusion: the class probabilities of streams that were trained apart, added (Simonyan and Zisserman, 2014).

Probabilities, not logits: each network's logits have a scale of their own, so that adding them would weigh the streams
by how sure they sound; and probabilities are what a phase keeps of every clip.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from farview.errors import FarviewError
from farview.training.scores import Scores

Probabilities = TypeVar("Probabilities", NDArray[np.float64], Tensor)


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


def fuse(probabilities: Sequence[Probabilities], weights: Sequence[float]) -> Probabilities:
    """Weighted mean of arrays or tensors of one shape; weights of at least 0, not all 0."""
    total: Any = sum(weight * each for weight, each in zip(weights, probabilities, strict=True))
    return total / sum(weights)


def log_fused(logits: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Logarithm of `fuse` of the softmax of logits (N, classes), float64; finite where a probability rounds to 0."""
    parts = [
        each.double().log_softmax(1) + math.log(weight / sum(weights))
        for weight, each in zip(weights, logits, strict=True)
        if weight
    ]
    return torch.stack(parts).logsumexp(0)
