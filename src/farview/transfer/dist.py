"""DIST: relations instead of values (Huang et al., "Knowledge Distillation from A Stronger Teacher", NeurIPS 2022)."""

from torch import Tensor

from farview.transfer.cosine import cosine_distance


def dist_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 * (inter + intra) of the softmax at temperature T: logits (B, classes) twice -> (B,).

    inter is 1 - Pearson's correlation of a video's probabilities over the classes; intra is the same of a
    class's over the batch, mean over classes, and equal for all videos: it speaks of the batch that
    one process sees at once, and needs two videos or more (with one it is 1, without gradient). Equal weights and
    T^2 are those of the authors' code, where the sum counts twice.
    """
    student, teacher = ((logits / temperature).softmax(1) for logits in (student, teacher))
    inter = pearson_distance(student, teacher)  # (B,)
    intra = pearson_distance(student.T, teacher.T).mean()
    return temperature**2 * (inter + intra)


def pearson_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """1 - correlation along the last axis: (..., D), (..., D) -> (...), 0 to 2; 1 where either is constant."""
    return cosine_distance(student - student.mean(-1, keepdim=True), teacher - teacher.mean(-1, keepdim=True))
