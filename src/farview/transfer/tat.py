"""Temporal attention transfer (paper, Eq. 3) and its confidence (Sec. III-C2)."""

import torch
from torch import Tensor

from farview.transfer.area import area_mean
from farview.transfer.cosine import cosine_distance


def tat_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Eq. 3 for one fully connected layer of the temporal attention module: outputs (B, D) -> (B,).

    Ours: the layers are the hidden one (D = 64) and the scores **before** the softmax (D = K), since unrelated
    near-uniform vectors after it have a cosine above 0.9 already. One vector a video makes P irrelevant.
    """
    return cosine_distance(student, teacher)


def video_score(kept: Tensor, attention: Tensor) -> Tensor:
    """How far to trust a video's temporal attention (Sec. III-C2): (B,) in 0..1, without gradient.

    The share of pixels that kept their information within the highly informative area, mean over frames. `kept`
    (B, K, T, H, W) is 1 where the confidence reaches the threshold, else 0; `attention` (B, K*T', h, w) is T-Net's in
    its last stage, and its cells above the frame's mean are the area (ours). A constant map has no such cell:
    then the area is the whole frame.
    """
    with torch.no_grad():
        time = attention.shape[1] // kept.shape[1]
        share = area_mean(kept, (time, attention.shape[2], attention.shape[3])).flatten(2)  # (B, N, h*w)
        attention = attention.flatten(2)
        area = attention > attention.mean(2, keepdim=True)
        area |= ~area.any(2, keepdim=True)
        return ((share * area).sum(2) / area.sum(2)).mean(1).clamp(max=1)
