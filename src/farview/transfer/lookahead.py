"""The other way to learn the MLP map: "the supervision from the final classification" (paper, Sec. IV-G) by itself."""

import torch
from torch import Tensor

from farview.transfer.attention import spatial_attention
from farview.transfer.cosine import cosine_distance
from farview.transfer.sat import sat_loss


def lookahead_loss(ce: Tensor, stage: Tensor, teacher: Tensor, norm: int, confidence: Tensor) -> Tensor:
    """How ill a step on the confident SAT loss would serve the class: (B,), -1 best to 1 worst.

    Ours: a small step on SAT moves S-Net's last stage A by -dSAT/dA, which changes the cross-entropy by
    -<dCE/dA, dSAT/dA>. The loss is minus the cosine of the two gradients; it teaches the confidence alone.

    Args:
        ce: Cross-entropy (B,) that S-Net got from `stage`; its graph is kept.
        stage: Output of S-Net's last stage (B, K, C, T, H, W).
        teacher: T-Net's attention there, on the grid where both are compared, (B, K*T', H', W').
        norm: P of Eq. 2.
        confidence: For this stage, of the same shape, with the graph of the extractor.
    """
    grid = (teacher.shape[1] // stage.shape[1], teacher.shape[2], teacher.shape[3])
    (wanted,) = torch.autograd.grad(1024 * ce.sum(), stage, retain_graph=True)  # 1024: for half precision
    moved = stage.detach().requires_grad_()
    sat = sat_loss(spatial_attention(moved, grid), teacher, norm, confidence)
    (step,) = torch.autograd.grad(1024 * sat.sum(), moved, create_graph=True)
    return cosine_distance(step.flatten(1).to(ce.dtype), wanted.flatten(1).to(ce.dtype)) - 1
