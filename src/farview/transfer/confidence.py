"""What the three confidence maps share (paper, Sec. III-C)."""

import torch
from torch import Tensor

from farview.transfer.area import area_mean

EPS = 1e-6


def grey(video: Tensor) -> Tensor:
    """Grey levels (B, K, T, H, W) of a video (B, K, C, T, H, W): luma of RGB, else the mean over channels."""
    if video.shape[2] == 1:
        return video[:, :, 0]
    if video.shape[2] != 3:
        return video.mean(2)
    red, green, blue = video.unbind(2)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def confidence_of(change: Tensor) -> Tensor:
    """Confidence 0..1 of a change (..., H, W) >= 0 between HR and eLR: 1 - change / its largest value in the frame.

    The paper's "normalize" (ours: per frame, by the maximum). Where nothing changed the confidence is 1.
    """
    largest = change.amax((-2, -1), keepdim=True)
    return 1 - change / torch.where(largest < EPS, torch.ones_like(largest), largest)


def is_kept(confidence: Tensor, threshold: float) -> Tensor:
    """1 where a confidence of any shape reaches the threshold, else 0; without gradient, same type."""
    return (confidence >= threshold - EPS).to(confidence.dtype)  # EPS: averages of 1 may fall short of 1


def at_stage(confidence: Tensor, size: tuple[int, int, int], threshold: float, binary: bool) -> Tensor:
    """Confidence (B, K, T, H, W) for a stage of `size` (T', H', W'): (B, K*T', H', W').

    Averaged by area, then 0 below the threshold; the rest keeps its value or, if `binary`, becomes 1
    (Sec. III-C2). A binary map passes gradients on as if it had kept its value.
    """
    confidence = area_mean(confidence, size)
    kept = is_kept(confidence, threshold)
    if binary:
        return kept * (1 + (confidence - confidence.detach()))
    return kept * confidence


def empty_share(trusted: Tensor) -> Tensor:
    """Share of a video's maps (B, N, H, W) from `at_stage` that hold nothing: (B,), without gradient."""
    return (trusted.detach().flatten(2).amax(2) == 0).to(trusted.dtype).mean(1)


def spread(confidence: Tensor) -> Tensor:
    """Share of the frame that a map effectively covers, exp(entropy) / pixels: (B, K, T, H, W) -> (B,).

    1 for a uniform map, 1 / pixels for a single peak, about 0 for an empty map; mean over frames. Ours: the cosine
    of Eq. 2 ignores a uniform factor, so a learned map may fail by peaking, not by vanishing.
    """
    maps = confidence.flatten(3)  # (B, K, T, H*W)
    total = maps.sum(3).clamp_min(EPS)
    entropy = total.log() - (maps * (maps + EPS).log()).sum(3) / total  # EPS: no infinite gradient at 0
    return entropy.exp().mean((1, 2)) / maps.shape[3]
