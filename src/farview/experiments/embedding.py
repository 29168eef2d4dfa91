"""Which clips a t-SNE shows, and their features (the paper's Fig. 10)."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from farview.data.clip import Clip
from farview.frames.store import FrameStore
from farview.models.recogniser import Recogniser
from farview.training.evaluation import predict_clips

EMBEDDED, EMBEDDED_CLASSES, FEWEST = 400, 12, 8
"""Clips and classes in the t-SNE, at most; clips, at least."""
CHUNK = 32


def embedded_clips(clips: Sequence[Clip], classes: int) -> list[Clip]:
    """The first clips of each of `EMBEDDED_CLASSES` classes evenly spread over the list of `classes`."""
    count = min(classes, EMBEDDED_CLASSES)
    return [
        clip
        for label in sorted({i * classes // count for i in range(count)})
        for clip in [c for c in clips if c.label == label][: max(1, EMBEDDED // count)]
    ]


def features_of(
    network: Recogniser,
    clips: Sequence[Clip],
    store: FrameStore,
    update: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """A network's features of whole videos, (clips, D); `update(done, total)` is told how far it is."""
    parts = []
    for start in range(0, len(clips), CHUNK):
        some = clips[start : start + CHUNK]
        parts.append(predict_clips(network.network, network.contract, some, store).features)
        if update is not None:
            update(start + len(some), len(clips))
    return torch.cat(parts).numpy()
