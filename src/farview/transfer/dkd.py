"""Decoupled knowledge distillation (Zhao et al., CVPR 2022)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from farview.transfer.kd import divergence


def dkd_loss(
    student: Tensor, teacher: Tensor, target: Tensor, alpha: float, beta: float, temperature: float
) -> Tensor:
    """T^2 * (alpha * TCKD + beta * NCKD): logits (B, classes) twice -> (B,), 0 alike.

    TCKD is KL(teacher || student) of {target class, all others}, NCKD that of the softmax over the others alone, both
    at temperature T. Plain distillation is alpha = 1 and beta = 1 - the teacher's probability of the target.

    Args:
        student: Logits of S-Net.
        teacher: Logits of T-Net.
        target: The class of each video (B,) int64: its label or, for unlabeled clips (ours), T-Net's first choice.
        alpha: Weight of the target class; 1 there.
        beta: Weight of the other classes; 8 on CIFAR-100, 0.5 on ImageNet there.
        temperature: 4 on CIFAR-100, 1 on ImageNet there.
    """
    two_student, others_student = decouple(student / temperature, target)
    two_teacher, others_teacher = decouple(teacher / temperature, target)
    tckd = divergence(two_student, two_teacher)
    nckd = divergence(others_student, others_teacher)
    return temperature**2 * (alpha * tckd + beta * nckd)


def decouple(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (B, classes) as those of {target, all others} (B, 2) and of the others alone (B, classes - 1)."""
    hot = F.one_hot(target, logits.shape[1]).bool()
    others = logits[~hot].unflatten(0, (len(logits), -1))
    return torch.stack((logits[hot], others.logsumexp(1)), 1), others
