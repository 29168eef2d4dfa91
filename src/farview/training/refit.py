"""Start S-Net from T-Net's weights, refitted to eLR input on a sample of the training clips."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor
from torch.optim.swa_utils import update_bn

from farview.data.augment import normalise
from farview.data.batches import ClipFrames, EpochBatches, loader
from farview.models.contract import Contract
from farview.models.network import ActionNetwork
from farview.models.refit import refit_first
from farview.training.data import Prepared

CLIPS, BATCH = 128, 16
"""Clips in the sample, at most, and at once."""


def refit_start(network: ActionNetwork, contract: Contract, clips: Prepared, seed: int) -> None:
    """Refit `network`, which holds T-Net's weights, in place: first convolution, then BatchNorm's statistics on eLR.

    The statistics are those of AdaBN (Li et al., 2016): of the new domain under the old weights. No labels are used.
    """
    chosen = np.random.default_rng(seed).permutation(len(clips.train))[:CLIPS]
    data = ClipFrames([clips.train[i] for i in chosen], clips.store, contract.intervals, hr=True, elr=True)

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        for batch in loader(data, EpochBatches(len(data), BATCH, train=False)):
            hr, elr = batch.videos(contract.input_size)
            yield tuple(normalise(video, contract.mean, contract.std) for video in (hr, elr))  # type: ignore[misc]

    refit_first(network, pairs(), seed)
    update_bn((elr for _, elr in pairs()), network)
