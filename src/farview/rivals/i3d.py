"""I3D (Carreira, Zisserman: Quo Vadis, Action Recognition?, CVPR 2017, arXiv 1705.07750).

Taken from the publication and its authors' code: Inception-v1 with batch normalisation, every filter and pooling
inflated from squares to cubes; strides in time at the first convolution and the last two poolings alone; average
pooling over two steps, dropout, a 1x1x1 convolution to logits, their mean over time; image weights repeated in time and
divided by the depth. An RGB and a flow network trained apart, logits added; grey levels and flow from -1 to 1.

Filled in: as Table V's row, 32 frames and eLR enlarged to 224x224, bicubic; a clip may be several intervals, whose
logits are averaged; BatchNorm's momentum is 0.1, which small data need. Trained apart in one run: the loss is
the sum of the two networks' cross-entropies, and no weight belongs to both. As published SGD, rate 0.1 in steps,
weight decay 1e-7 on Kinetics; here as the recipe's section `student` says, from random weights or from a file
(`student.initial`): torchvision's GoogLeNet, or Kinetics I3D in PyTorch's layout (`Conv3d_1a_7x7.conv3d.weight` ...).
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farview.errors import FarviewError
from farview.models.network import initialise
from farview.models.weights import Loaded, State, adapt_first, fill, read_state
from farview.rivals.network import Rival, Step, StreamsConfig, cross_entropy, scaled, start_streams
from farview.rivals.streams import Streams
from farview.training.recipe import Phase

MIXED = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}
"""Channels of each block: branch 1; branch 2 reduced, convolved; branch 3 reduced, convolved; pooled branch."""
POOLS = {"3b": ((1, 3, 3), (1, 2, 2)), "4b": ((3, 3, 3), (2, 2, 2)), "5b": ((2, 2, 2), (2, 2, 2))}
"""Kernel and stride of the pooling before a block."""
GOOGLENET = {"conv1": "Conv3d_1a_7x7", "conv2": "Conv3d_2b_1x1", "conv3": "Conv3d_2c_3x3"} | {
    f"inception{ours[0]}{chr(ord(ours[1]) - 1)}.{theirs}": f"Mixed_{ours}.{branch}"
    for ours in MIXED
    for theirs, branch in {
        "branch1": "b0",
        "branch2.0": "b1a",
        "branch2.1": "b1b",
        "branch3.0": "b2a",
        "branch3.1": "b2b",
        "branch4.1": "b3b",
    }.items()
}
"""Layers of torchvision's GoogLeNet, whose branch 3 has 3x3 filters too, and what they are called here."""
EXPECTED = "expected torchvision's GoogLeNet or Kinetics I3D in PyTorch's layout"


@dataclass(frozen=True)
class I3dConfig(StreamsConfig):
    """Options of I3D. Validated; raises FarviewError."""

    method: ClassVar[str] = "i3d"
    starts: ClassVar[tuple[Phase, ...]] = ("student",)

    dropout: float = 0.5
    """Before the logits."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.dropout < 1:
            raise FarviewError(f"dropout: {self.dropout} must be at least 0 and below 1")

    def build(self, classes: int, channels: int) -> "TwoStream":
        """The network with fresh weights."""
        nets: dict[str, I3d] = {
            stream: I3d(classes, c, self.width, self.dropout) for stream, c in self.channels(channels).items()
        }
        return TwoStream(nets, self.size)


class Unit(nn.Module):
    """Convolution, BatchNorm, ReLU; an output has ceil(input / stride) places on each axis, as the authors' do."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.pad = Same(kernel, stride) if stride > 1 else nn.Identity()
        padding = 0 if stride > 1 else kernel // 2
        self.conv3d = nn.Conv3d(channels, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm3d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv3d(self.pad(x))))


class Same(nn.Module):
    """Zeros around (..., T, H, W), where the number is odd one more behind than before."""

    def __init__(self, kernel: int | tuple[int, int, int], stride: int | tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel = (kernel,) * 3 if isinstance(kernel, int) else kernel
        self.stride = (stride,) * 3 if isinstance(stride, int) else stride

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for size, kernel, stride in zip(x.shape[2:], self.kernel, self.stride, strict=True):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads = [total // 2, total - total // 2, *pads]  # the last axis comes first
        return F.pad(x, pads)


class Mixed(nn.Module):
    """Four branches side by side; of features after a ReLU, so that pooled zeros are no maximum."""

    def __init__(self, channels: int, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.b0 = Unit(channels, sizes[0], 1)
        self.b1a, self.b1b = Unit(channels, sizes[1], 1), Unit(sizes[1], sizes[2], 3)
        self.b2a, self.b2b = Unit(channels, sizes[3], 1), Unit(sizes[3], sizes[4], 3)
        self.pool, self.b3b = nn.MaxPool3d(3, 1, 1), Unit(channels, sizes[5], 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.b3b(self.pool(x))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), pooled], 1)


class Inception(nn.Sequential):
    """(N, C, T, H, W) to (N, `features`, ceil(T / 8), ceil(H / 32), ceil(W / 32)): all up to Mixed_5c."""

    def __init__(self, channels: int, width: float) -> None:
        first, second = scaled(64, width), scaled(192, width)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["Conv3d_1a_7x7"] = Unit(channels, first, 7, 2)
        _pool(layers, "2a", (1, 3, 3), (1, 2, 2))
        layers["Conv3d_2b_1x1"] = Unit(first, first, 1)
        layers["Conv3d_2c_3x3"] = Unit(first, second, 3)
        into = second
        for name, published in MIXED.items():
            if name in POOLS:
                _pool(layers, name, *POOLS[name])
            sizes = tuple(scaled(size, width) for size in published)
            layers[f"Mixed_{name}"] = Mixed(into, sizes)
            into = sizes[0] + sizes[2] + sizes[4] + sizes[5]
        super().__init__(layers)
        self.features = into
        self.apply(initialise)


def _pool(
    layers: dict[str, nn.Module], name: str, kernel: tuple[int, int, int], stride: tuple[int, int, int]
) -> None:
    layers[f"pad_{name}"], layers[f"pool_{name}"] = Same(kernel, stride), nn.MaxPool3d(kernel, stride)


class I3d(nn.Module):
    """(N, C, T, H, W) to logits (N, classes)."""

    def __init__(self, classes: int, channels: int, width: float = 1.0, dropout: float = 0.5) -> None:
        super().__init__()
        self.body = Inception(channels, width)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Conv3d(self.body.features, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        x = F.avg_pool3d(x, (min(2, x.shape[2]), *x.shape[3:]), stride=1)  # (N, D, T', 1, 1)
        return self.logits(self.dropout(x)).mean((2, 3, 4))


class TwoStream(Rival):
    """A network (N, C, T, H, W) -> (N, classes) for each stream, trained apart; their logits are added."""

    def __init__(self, nets: Mapping[str, I3d], size: tuple[int, int]) -> None:
        super().__init__()
        self.nets = nn.ModuleDict(nets)
        self.size = size

    def forward(self, seen: Streams) -> Tensor:
        return torch.stack(list(each_stream(self.nets, seen, self.size).values())).sum(0)

    def start(self, stage: str, initial: str) -> list[str]:
        """Load all up to Mixed_5c of every stream."""
        return start_streams(self.nets, initial, load_inception)

    def terms(self, seen: Streams, step: Step) -> dict[str, Tensor]:
        """The cross-entropy of each stream, and their sum."""
        terms = {
            f"ce-{stream}": cross_entropy(logits.mean(1), seen.labels, step)
            for stream, logits in each_stream(self.nets, seen, self.size).items()
        }
        return terms | {"total": torch.stack(list(terms.values())).sum()}


def each_stream(
    nets: nn.ModuleDict, seen: Streams, size: tuple[int, int], hr: bool = False
) -> dict[str, Tensor]:
    """Logits (B, K, classes) of each stream by its own network (N, C, T, *size) -> (N, classes)."""
    found: dict[str, Tensor] = {}
    for stream in seen.parts:
        video = seen.see(stream, size, hr)  # (B, K, C, T, H, W)
        found[stream] = nets[stream](video.flatten(0, 1)).unflatten(0, video.shape[:2])
    return found


def inflate(weight: Tensor, depth: int) -> Tensor:
    """A 2D filter (O, I, k, k) as a 3D one (O, I, `depth`, k, k) that answers alike on a still clip."""
    return weight.unsqueeze(2).repeat_interleave(depth, 2) / depth


def load_inception(network: nn.Module, path: Path) -> Loaded:
    """Fill a network's `body` of width 1 with GoogLeNet's weights, inflated, or with those of I3D on Kinetics.

    The first convolution is adapted to other channels. Raises FarviewError where the file is neither.
    """
    body = network.body
    assert isinstance(body, Inception)
    state = read_state(path, EXPECTED)
    if "conv1.conv.weight" in state:
        state = of_googlenet(state, body.state_dict())
    first = "Conv3d_1a_7x7.conv3d.weight"
    if first not in state:
        raise FarviewError(f"{path}: unknown kind of weights; {EXPECTED}")
    state, adapted = adapt_first(state, first, 1, body.state_dict()[first].shape[1], 1)
    return fill(body, state, "Mixed_", {}, adapted, f"{path}: does not fit I3D (of width 1)")


def of_googlenet(state: State, target: State) -> State:
    """torchvision's GoogLeNet under I3D's names, filters inflated; its classifiers keep their names."""
    renamed = {}
    for key, value in state.items():
        layer = next((name for name in GOOGLENET if key.startswith(f"{name}.")), None)
        if layer is not None:
            key = (GOOGLENET[layer] + key[len(layer) :]).replace(".conv.", ".conv3d.")
            value = inflate(value, target[key].shape[2]) if value.ndim == 4 else value
        renamed[key] = value
    return renamed
