"""ResNet-18 and -34 (He et al., 2016) that return every stage's output."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from farview.models.contract import Stem

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


class StemShape(NamedTuple):
    """How the image enters a backbone: a square convolution, then perhaps a 3x3 max-pool of stride 2."""

    kernel: int
    stride: int
    pool: bool


STEMS: dict[Stem, StemShape] = {
    "imagenet": StemShape(7, 2, True),
    "small": StemShape(5, 2, False),
    "tiny": StemShape(3, 1, False),
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; (N, inputs, H, W) -> (N, planes, H/stride, W/stride)."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet(nn.Module):
    """The backbone without its class head; state-dict keys are torchvision's.

    `depth` 18 or 34; `channels` of the input (colours x frames, where frames are stacked); `width` channels of
    the first stage (64 as published).
    """

    def __init__(self, depth: int, channels: int, width: int = 64, stem: Stem = "imagenet") -> None:
        super().__init__()
        kernel, stride, pool = STEMS[stem]
        self.features = 8 * width  # D, channels of the last stage
        self.conv1 = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1) if pool else nn.Identity()
        first, second, third, fourth = BLOCKS[depth]
        self.layer1 = stage(BasicBlock, width, width, first, stride=1)
        self.layer2 = stage(BasicBlock, width, 2 * width, second, stride=2)
        self.layer3 = stage(BasicBlock, 2 * width, 4 * width, third, stride=2)
        self.layer4 = stage(BasicBlock, 4 * width, 8 * width, fourth, stride=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, channels, H, W) -> the four stages' outputs, each (N, C_i, H_i, W_i)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))  # (N, width, H/4, W/4), rounded up
        stages = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            stages.append(x)
        return stages


def stage(
    block: Callable[[int, int, int], nn.Module], inputs: int, planes: int, blocks: int, stride: int
) -> nn.Sequential:
    """`blocks` of `block(inputs, planes, stride)`; the first changes the size and the channels."""
    return nn.Sequential(
        block(inputs, planes, stride), *(block(planes, planes, 1) for _ in range(blocks - 1))
    )
