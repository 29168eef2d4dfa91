"""S-Net as a descriptor of frames: what its backbone says of each moment of an eLR video."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from farview.data.augment import as_video, enlarge, normalise
from farview.errors import FarviewError
from farview.frames.source import Images
from farview.models.contract import Contract
from farview.models.cost import multiply_adds
from farview.models.network import ActionNetwork

AT_ONCE = 16
"""Frames that the network sees at once."""


@dataclass(frozen=True)
class FrameNetwork:
    """A trained S-Net with its contract; on any device, in eval mode."""

    network: ActionNetwork
    contract: Contract

    @property
    def multiply_adds(self) -> int:
        """Of a frame: the backbone's."""
        size = self.contract.channels, self.contract.intervals.frames, *self.contract.input_size
        return multiply_adds(lambda: self.network.maps(torch.zeros(1, *size, device=self.device)))

    @property
    def parameters(self) -> int:
        """All of the network's, its class head among them."""
        return sum(p.numel() for p in self.network.parameters())

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def series(self, frames: Images) -> NDArray[np.float32]:
        """The penultimate vector of every frame, (T, D), brought to length 1; frames (T, h, w, C) uint8, T >= 1.

        A frame's is that of the interval with the frame in its middle, or next after it; before its first and after its
        last frame a video stands still. Vectors are at least 0, since they are means behind a ReLU; one of zeros stays
        so. Raises FarviewError for frames of other channels than it was trained on.
        """
        if frames.shape[-1] != self.contract.channels:
            raise FarviewError(
                f"the frames have {frames.shape[-1]} channels, and the network that describes them was trained on "
                f"{self.contract.channels}; give it recordings like those, or train it on these"
            )
        around = self.contract.intervals
        indices = centred(len(frames), around.frames, around.stride)  # (T, n)
        parts = []
        for start in range(0, len(indices), AT_ONCE):
            seen = torch.from_numpy(np.ascontiguousarray(frames[indices[start : start + AT_ONCE]]))
            small = as_video(seen[None].to(self.device))  # (1, N, C, n, h, w)
            video = enlarge(small, self.contract.input_size)  # (1, N, C, n, H, W)
            maps = self.network.maps(normalise(video, self.contract.mean, self.contract.std)[0])[-1]
            parts.append(maps.mean((2, 3, 4)).cpu())
        vectors = torch.cat(parts)
        return F.normalize(vectors, dim=1).numpy()


def centred(length: int, frames: int, stride: int) -> NDArray[np.int64]:
    """Frame numbers of the interval about each of `length` frames, (length, frames), the video's ends repeated."""
    around = (np.arange(frames) - frames // 2) * stride
    return np.clip(np.arange(length)[:, None] + around, 0, length - 1)
