"""A model file at work on windows of eLR frames, spatial attention included: the server's PyTorch side."""

from collections.abc import Callable
from pathlib import Path

import torch

from farview.deploy.serve.network import Seen
from farview.frames.source import Images
from farview.models.recogniser import Recogniser
from farview.transfer.attention import spatial_attention


def with_maps(path: str | Path) -> Callable[[Images], Seen]:
    """(B, K, T, h, w, C) uint8 -> what it makes of them. Raises FarviewError where `path` is no model file."""
    recogniser = Recogniser(path)

    def see(windows: Images) -> Seen:
        output = recogniser.forward(torch.cat([recogniser.video(window) for window in windows]))
        scores = output.logits.double().softmax(1).cpu().numpy()  # (B, classes)
        attention = output.attention.float().cpu().numpy()  # (B, K)
        maps = spatial_attention(output.stages[-1])  # (B, K*T', h, w)
        maps = maps.unflatten(1, (attention.shape[1], -1)).mean(2)  # (B, K, h, w)
        maps = (255 * maps / maps.amax((1, 2, 3), keepdim=True).clamp_min(1e-12)).round().byte()
        return scores, attention, maps.cpu().numpy()

    return see
