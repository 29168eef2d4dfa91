"""What the transfer compares: both networks' outputs on the same videos."""

from dataclasses import dataclass

import torch
from torch import Tensor

from farview.models.network import ActionOutput


@dataclass(frozen=True)
class Pair:
    """A batch as S-Net and T-Net see it."""

    student: ActionOutput
    """What S-Net made of the eLR videos."""
    teacher: ActionOutput | None
    """What T-Net made of the HR videos; no gradients flow into it. None where no term uses it."""
    hr: Tensor | None
    """HR videos, grey levels 0..255 (B, K, C, T, H, W). None where no term uses them."""
    elr: Tensor
    """Up-sampled eLR videos in the same geometry; of HR's shape wherever a confidence map compares the two."""
    targets: Tensor
    """Probabilities (B, classes): labels, or `soft_labels` where a clip has none."""
    progress: float = 0.0
    """Epoch / epochs, 0..1, for the rolling weights."""

    @property
    def taught(self) -> ActionOutput:
        """T-Net's output without gradient, for a term that needs it. Raises ValueError where there is none."""
        if self.teacher is None:
            raise ValueError("the loss compares S-Net with T-Net, whose output is missing")
        t = self.teacher
        stages = tuple(stage.detach() for stage in t.stages)
        one, two = (t.logits.detach(), t.features.detach()), (t.hidden.detach(), t.scores.detach())
        return ActionOutput(*one, stages, *two, t.attention.detach())


def soft_labels(teacher_logits: Tensor) -> Tensor:
    """T-Net's class probabilities (B, classes), without gradient: targets of unlabeled clips (paper, Sec. III-D1)."""
    return precise(teacher_logits.detach()).softmax(1)


def precise(tensor: Tensor) -> Tensor:
    """In float32 at least: half precision is too coarse for norms and logarithms."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
