"""R(2+1)D-18 and -34 (Tran et al., 2018), in the variant that the paper's cost tells; every stage is returned.

Each 3D convolution is a spatial one, BatchNorm, ReLU and a temporal one. The paper's 28.99 G multiply-adds
and 33.43 M parameters fit mmaction2's R(2+1)D alone: a max-pool after the stem, mid planes computed for every
convolution by itself, shortcuts that are factorised too, and temporal stride 2 in stages 2 to 4. Module names
are mmaction2's, so that its Kinetics weights fit as they are.
"""

from torch import Tensor, nn

from farview.models.contract import Stem
from farview.models.resnet import BLOCKS, STEMS, stage


def mid_planes(inputs: int, outputs: int, kernel: int) -> int:
    """Channels between the halves, so that both hold as many weights as a 3 x kernel x kernel convolution."""
    area = kernel * kernel
    return int(3 * inputs * outputs * area / (inputs * area + 3 * outputs))


class Conv2Plus1D(nn.Module):
    """(1, k, k) convolution, BatchNorm, ReLU, (depth, 1, 1) convolution; `stride` is (time, space)."""

    def __init__(
        self, inputs: int, outputs: int, mid: int, kernel: int, depth: int, stride: tuple[int, int]
    ) -> None:
        super().__init__()
        time, space = stride
        pad = kernel // 2
        self.conv_s = nn.Conv3d(
            inputs, mid, (1, kernel, kernel), (1, space, space), (0, pad, pad), bias=False
        )
        self.bn_s = nn.BatchNorm3d(mid)
        self.relu = nn.ReLU(inplace=True)
        self.conv_t = nn.Conv3d(mid, outputs, (depth, 1, 1), (time, 1, 1), (depth // 2, 0, 0), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_t(self.relu(self.bn_s(self.conv_s(x))))


class ConvNorm(nn.Module):
    """A factorised convolution and its outer BatchNorm, which mmaction2 synchronises between processes."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        mid: int,
        kernel: int = 3,
        depth: int = 3,
        stride: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__()
        self.conv = Conv2Plus1D(inputs, outputs, mid, kernel, depth, stride)
        self.bn = nn.BatchNorm3d(outputs, eps=1e-3)  # what the Kinetics weights were trained with

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class Block(nn.Module):
    """Two factorised convolutions beside a shortcut; `stride` (in time and space) is that of the first."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        both = (stride, stride)
        self.conv1 = ConvNorm(inputs, planes, mid_planes(inputs, planes, 3), stride=both)
        self.conv2 = ConvNorm(planes, planes, mid_planes(planes, planes, 3))
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != planes:
            mid = mid_planes(inputs, planes, 1)
            self.downsample = ConvNorm(inputs, planes, mid, kernel=1, depth=1, stride=both)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.conv1(x))
        return self.relu(self.conv2(x) + shortcut)


class R2Plus1D(nn.Module):
    """The backbone without its class head.

    `depth` 18 or 34; `channels` of a frame; `width` channels of the first stage (64 as published). The stem's mid
    planes are those of a 3-channel input whatever `channels` is, so that weights trained on RGB can be adapted to
    grey input (our choice).
    """

    def __init__(self, depth: int, channels: int, width: int = 64, stem: Stem = "imagenet") -> None:
        super().__init__()
        kernel, stride, pool = STEMS[stem]
        self.features = 8 * width  # D, channels of the last stage
        mid = mid_planes(3, width, kernel)
        self.conv1 = ConvNorm(channels, width, mid, kernel, stride=(1, stride))
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if pool else nn.Identity()
        first, second, third, fourth = BLOCKS[depth]
        self.layer1 = stage(Block, width, width, first, stride=1)
        self.layer2 = stage(Block, width, 2 * width, second, stride=2)
        self.layer3 = stage(Block, 2 * width, 4 * width, third, stride=2)
        self.layer4 = stage(Block, 4 * width, 8 * width, fourth, stride=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, channels, T, H, W) -> the four stages' outputs, each (N, C_i, T_i, H_i, W_i)."""
        x = self.maxpool(self.relu(self.conv1(x)))  # (N, width, T, H/4, W/4), rounded up
        stages = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            stages.append(x)
        return stages
