"""The action network: a backbone for each interval, temporal attention over them, one class head."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from farview.errors import FarviewError
from farview.models.contract import NetworkConfig
from farview.models.r2plus1d import R2Plus1D
from farview.models.resnet import STEMS, ResNet
from farview.models.temporal_attention import TemporalAttention
from farview.models.temporal_pyramid import parts, pyramid

__all__ = ["ActionNetwork", "ActionOutput", "NetworkConfig", "least_size"]


CHANGE_GAIN = 3.0
"""Changes between frames are about that many times smaller than the frames' own contrast."""


class ActionOutput(NamedTuple):
    """What the network says of a batch of clips, and all that attention transfer compares."""

    logits: Tensor
    """(B, classes)"""
    features: Tensor
    """(B, K, D) of each interval, D = 8 x width"""
    stages: tuple[Tensor, ...]
    """Four residual stages' outputs, each (B, K, C_i, T_i, H_i, W_i); T_i = 1 for 2D backbones"""
    hidden: Tensor
    """(B, 64) of the temporal attention's first layer, before its ReLU"""
    scores: Tensor
    """(B, K) of its second layer, before the softmax"""
    attention: Tensor
    """(B, K) after the softmax: above 0, sum 1"""


class ActionNetwork(nn.Module):
    """T-Net and S-Net alike (paper section III-A).

    `channels` are the colours C of a frame, `frames` the T of each of the `intervals` K. 2D backbones take an
    interval's frames stacked as channels, 3D ones as time.
    """

    def __init__(
        self, config: NetworkConfig, classes: int, channels: int, intervals: int, frames: int
    ) -> None:
        """Raises FarviewError where a temporal pyramid has more parts than there are intervals."""
        super().__init__()
        self.config = config
        self.classes, self.channels, self.intervals, self.frames = classes, channels, intervals, frames
        self.stacked = config.backbone.startswith("resnet")
        depth = int(config.backbone[-2:])
        self.backbone: ResNet | R2Plus1D
        if self.stacked:
            self.backbone = ResNet(depth, channels * frames, config.width, config.stem)
        else:
            self.backbone = R2Plus1D(depth, channels, config.width, config.stem)
        if intervals < 2 ** (config.pyramid - 1):
            raise FarviewError(
                f"network.pyramid: {config.pyramid} levels part a video into {2 ** (config.pyramid - 1)}; it has "
                f"{intervals} intervals (input.intervals.count)"
            )
        self.attention = TemporalAttention(intervals, self.backbone.features)
        self.dropout = nn.Dropout(config.dropout)
        self.fc = nn.Linear(self.backbone.features * parts(config.pyramid), classes)
        self.apply(initialise)
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)

    def forward(self, clips: Tensor) -> ActionOutput:
        """(B, K, C, T, H, W), normalised -> `ActionOutput`.

        Logits come from the attention-weighted sum of the intervals' features (of a temporal pyramid, from the
        sums of its parts). The weights sum to 1, so that a sum has the scale of one interval's features whatever
        K is. Raises FarviewError where the shape does not fit.
        """
        self.check(tuple(clips.shape))
        maps = self.maps(clips.flatten(0, 1))
        stages = tuple(m.unflatten(0, (-1, self.intervals)) for m in maps)  # (B, K, C_i, T_i, H_i, W_i)
        features = stages[-1].mean((3, 4, 5))  # (B, K, D), global average pooling
        hidden, scores, attention = self.attention(features)
        video = self.video(features, attention)
        logits = self.fc(self.dropout(video))
        return ActionOutput(logits, features, stages, hidden, scores, attention)

    def maps(self, intervals: Tensor) -> list[Tensor]:
        """The four stages' outputs of intervals by themselves, (N, C, T, H, W) to (N, C_i, T_i, H_i, W_i) each."""
        maps = self.backbone(self.stack(intervals))
        return [m.unsqueeze(2) for m in maps] if self.stacked else list(maps)

    def video(self, features: Tensor, attention: Tensor) -> Tensor:
        """What the class head sees: features (B, K, D) and attention (B, K) -> (B, D x parts of the pyramid)."""
        return pyramid(features, attention, self.config.pyramid)

    def interval_logits(self, features: Tensor) -> Tensor:
        """What each interval says alone, (..., D) -> (..., classes): the logits of a video that shows it all along."""
        return self.fc(features.repeat(*[1] * (features.dim() - 1), parts(self.config.pyramid)))

    def stack(self, x: Tensor) -> Tensor:
        """What the backbone takes: (N, C, T, H, W) -> (N, C*T, H, W) for 2D, unchanged for 3D."""
        if not self.stacked:
            return x
        if self.config.differences and self.frames > 1:
            x = torch.cat([x[:, :, :1], CHANGE_GAIN * x.diff(dim=2)], 2)
        return x.flatten(1, 2)

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise FarviewError where clips of `shape` do not fit this network or are too small for it."""
        expected = (self.intervals, self.channels, self.frames)
        if len(shape) != 6 or shape[1:4] != expected:
            raise FarviewError(
                f"clips have the shape {shape}; this network takes (clips, intervals, channels, frames, "
                "height, width) = (B, {}, {}, {}, H, W)".format(*expected)
            )
        check_size(self.config, shape[4], shape[5])


def check_size(config: NetworkConfig, height: int, width: int) -> None:
    """Raise FarviewError where an input of `height` x `width` pixels is too small for the network."""
    least = least_size(config)
    if min(height, width) < least:
        raise FarviewError(
            f"an input of {height}x{width} (height x width) is too small for {config.backbone} with the stem "
            f"'{config.stem}', which takes {least}x{least} or more: enlarge it (input.size; S-Net's: input.elr_size) "
            "or choose a stem that shrinks less (network.stem or student_network.stem: small or tiny)"
        )


def least_size(config: NetworkConfig) -> int:
    """Least height and width of the input, pixels: the second stage's map has more than one pixel each way.

    Every layer would run on less, but at most one stage had a spatial attention left to compare (our choice).
    """
    _, stride, pool = STEMS[config.stem]
    return 2 * stride * (2 if pool else 1) + 1


def initialise(module: nn.Module) -> None:
    """He et al.'s normal initialisation (fan-out) for convolutions; the other layers keep PyTorch's."""
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
