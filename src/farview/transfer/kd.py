"""Knowledge distillation (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015)."""

from torch import Tensor
from torch.nn import functional as F


def kd_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 * KL(teacher || student) of the softmax at temperature T: logits (B, classes) twice -> (B,), 0 alike.

    T^2 keeps the size of the gradients when T changes (Sec. 2 there).
    """
    return temperature**2 * divergence(student / temperature, teacher / temperature)


def divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(softmax(teacher) || softmax(student)) of logits (B, classes) -> (B,)."""
    return F.kl_div(student.log_softmax(1), teacher.log_softmax(1), reduction="none", log_target=True).sum(1)
