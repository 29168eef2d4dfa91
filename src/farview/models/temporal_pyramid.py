"""Temporal pyramid: a video as its whole, its halves, its quarters, so that a class head can tell their order.

As Ryoo et al. pool features over time ("Pooled motion features for first-person videos", CVPR 2015) and Lazebnik et al.
over space (CVPR 2006). The paper has the whole alone.
"""

from itertools import pairwise

import torch
from torch import Tensor


def parts(levels: int) -> int:
    """How many means a pyramid of so many levels has: 1, 3, 7 ..."""
    return 2**levels - 1


def pyramid(features: Tensor, attention: Tensor, levels: int) -> Tensor:
    """The attention-weighted mean of each part of a video, side by side, the whole first, then early before late.

    Features of intervals (B, K, D) and their weights (B, K), above 0, sum 1 -> (B, D x parts(levels)). The weights of a
    part are scaled to sum 1, so that every mean has the scale of one interval's features. K is at least
    2^(levels - 1); where it is no multiple, the parts differ by one interval.
    """
    count = features.shape[1]
    means = []
    for level in range(levels):
        edges = [count * i // 2**level for i in range(2**level + 1)]
        for start, stop in pairwise(edges):
            weights = attention[:, start:stop]  # (B, k)
            if level > 0:
                weights = weights / weights.sum(1, keepdim=True)
            means.append((weights.unsqueeze(-1) * features[:, start:stop]).sum(1))  # (B, D)
    return torch.cat(means, 1)
