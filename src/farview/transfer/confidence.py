"""What the three confidence maps share (paper, Sec. III-C)."""

import torch
from torch import Tensor

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
    return (confidence >= threshold).to(confidence.dtype)


def trusted(confidence: Tensor, threshold: float, binary: bool) -> Tensor:
    """Confidence of any shape, 0 below the threshold; the rest keeps its value or, if `binary`, becomes 1.

    Paper, Sec. III-C2. Ours: the threshold meets the pixels, then `area_mean` brings the map to each stage, so that all
    stages trust the same pixels and a coarse one is not lost as a whole. A binary map passes gradients on as
    if it had kept its value.
    """
    kept = is_kept(confidence, threshold)
    if binary:
        return kept * (1 + (confidence - confidence.detach()))
    return kept * confidence


def spread(confidence: Tensor, threshold: float) -> Tensor:
    """Share of the frame that takes part in the transfer, exp(entropy) / pixels: (B, K, T, H, W) -> (B,).

    Of the map above the threshold, mean over frames: 1 if it is uniform, 1 / pixels for a single peak, about 0 if it is
    empty. Ours: the cosine of Eq. 2 ignores a uniform factor, so a learned map may fail by peaking. The gradient
    passes the threshold as if it were not there, so that pixels below it can be pulled back.
    """
    held = confidence + (trusted(confidence, threshold, binary=False) - confidence).detach()
    maps = held.flatten(3)  # (B, K, T, H*W)
    total = maps.sum(3).clamp_min(EPS)
    entropy = total.log() - (maps * (maps + EPS).log()).sum(3) / total  # EPS: no infinite gradient at 0
    return entropy.exp().mean((1, 2)) / maps.shape[3]
