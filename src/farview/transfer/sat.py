"""Spatial attention transfer (paper, Eq. 2 and Sec. III-C2)."""

import torch
from torch import Tensor

from farview.transfer.cosine import cosine_distance, video_norm


def sat_loss(
    student: Tensor, teacher: Tensor, norm: int, confidence: Tensor | None = None, centred: bool = False
) -> Tensor:
    """Eq. 2 for one residual stage: attention maps (B, N, H, W) of a video's N frames -> (B,).

    With `confidence` (B, N, H, W) both maps are multiplied by it first: Q = vec(F(A) * C), and pixels where it is 0
    play no part. Ours: a frame without any confidence contributes 0 and still counts among the N.

    With `centred` (ours) each map first loses its mean, weighted by the confidence, so that 1 - cosine becomes
    1 - correlation: sums of absolute values are positive everywhere, and any two of them have a cosine near 1.
    """
    if centred:
        student, teacher = (less_mean(maps, confidence) for maps in (student, teacher))
    if confidence is None:
        return video_norm(cosine_distance(student.flatten(2), teacher.flatten(2)), norm)
    distances = cosine_distance(
        (student * confidence).flatten(2), (teacher * confidence).flatten(2)
    )  # (B, N)
    return video_norm(distances * (confidence.flatten(2).amax(2) > 0), norm)


def less_mean(maps: Tensor, confidence: Tensor | None = None) -> Tensor:
    """Maps (B, N, H, W) less each one's mean, weighted by `confidence` of the same shape where there is one."""
    if confidence is None:
        return maps - maps.mean((2, 3), keepdim=True)
    total = confidence.sum((2, 3), keepdim=True)
    mean = (maps * confidence).sum((2, 3), keepdim=True) / torch.where(
        total > 0, total, torch.ones_like(total)
    )
    return maps - mean
