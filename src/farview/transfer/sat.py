"""Spatial attention transfer (paper, Eq. 2 and Sec. III-C2)."""

from torch import Tensor

from farview.transfer.cosine import cosine_distance, video_norm


def sat_loss(student: Tensor, teacher: Tensor, norm: int, confidence: Tensor | None = None) -> Tensor:
    """Eq. 2 for one residual stage: attention maps (B, N, H, W) of a video's N frames -> (B,).

    With `confidence` (B, N, H, W) both maps are multiplied by it first: Q = vec(F(A) * C), and pixels where it is 0
    play no part. Ours: a frame without any confidence contributes 0 and still counts among the N.
    """
    if confidence is None:
        return video_norm(cosine_distance(student.flatten(2), teacher.flatten(2)), norm)
    distances = cosine_distance(
        (student * confidence).flatten(2), (teacher * confidence).flatten(2)
    )  # (B, N)
    return video_norm(distances * (confidence.flatten(2).amax(2) > 0), norm)
