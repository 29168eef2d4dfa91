"""The distance of Eq. 2 and 3: 1 - cosine, and its P norm over a video."""

import torch
from torch import Tensor

EPS = 1e-8


def cosine_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """1 - cosine of the vectors along the last axis: (..., D), (..., D) -> (...), 0 alike to 2 opposite.

    A vector of norm below 1e-8 has no direction: distance 1, and a gradient that stays small.
    """
    return 1 - (unit(student) * unit(teacher)).sum(-1)


def unit(vector: Tensor) -> Tensor:
    """Vectors (..., D) at length 1; those of norm below 1e-8 as they are."""
    squared = (vector * vector).sum(-1, keepdim=True)
    return vector / torch.where(squared < EPS**2, torch.ones_like(squared), squared).sqrt()


def video_norm(distances: Tensor, p: int) -> Tensor:
    """(B, N) distances of a video's N frames -> (B,): their mean (P = 1) or root mean square (P = 2).

    Ours: the paper's norm sums; the mean lets videos with more frames weigh the same. The gradient is 0 where all
    distances are.
    """
    if p == 1:
        return distances.abs().mean(1)
    square = (distances * distances).mean(1)
    return torch.where(square == 0, torch.ones_like(square), square).sqrt() * (square != 0)
