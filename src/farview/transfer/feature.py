"""Feature similarity: what the stages say, where SAT compares only where they look."""

from torch import Tensor

from farview.transfer.area import common_grid, to_grid
from farview.transfer.pair import precise
from farview.transfer.sat import sat_loss


def feature_loss(student: Tensor, teacher: Tensor, norm: int, confidence: Tensor | None = None) -> Tensor:
    """1 - cosine of each frame's features in one stage: (B, K, C, T, H, W) twice -> (B,), over frames as Eq. 2.

    All channels and pixels of a frame are one vector, as in F-SKD (arXiv 2303.04681), whose 1x1 convolution is
    left out: both networks have the same channels. They mean the same from the start if S-Net starts from T-Net. Ours:
    `confidence` (B, K*T, H, W) multiplies both features at its pixels, as it does attention maps in SAT. Stages that
    differ in size are compared on their `common_grid`, which `confidence` has.
    """
    frames = [precise(stage) for stage in (student, teacher)]  # in float32 or finer
    if student.shape != teacher.shape:
        grid = common_grid(student, teacher)
        frames = [to_grid(stage, grid) for stage in frames]
    frames = [stage.transpose(2, 3).flatten(1, 2) for stage in frames]  # (B, K*T, C, H, W)
    return sat_loss(frames[0], frames[1], norm, None if confidence is None else confidence.unsqueeze(2))
