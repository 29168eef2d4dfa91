"""Semi-coupled two-stream network (Chen, Wu, Konrad, Ishwar, WACV 2017, arXiv 1610.03898).

Table V prints another author's name beside it. Taken from the authors' code: two networks of one shape, one for eLR
and one for HR, both on 32x32 pixels (eLR enlarged by bicubic interpolation, HR shrunk); they learn in turn, an epoch
each, eLR first, and after its turn one hands the first round(r N) of a layer's N filters and biases to the other,
BatchNorm never; r is 0, 1/4, 1/2 for the convolutions, 3/4 and 1 for the two fully connected layers. A network has a
tower for one frame and one for the optical flow of t-5 .. t+5: convolutions 5x5 of 32, 64, 128 channels, BatchNorm,
ReLU, pooling 3x3/2 (maximum, average, average), dropout after the first two. Their maps are summed after the last
convolution's pooling, the one fusion in the authors' coupled script; their networks of one resolution may concatenate
them, too, or concatenate and convolve 1x1. Then 4x4 to 128 without ReLU, dropout, classes; these have a bias each,
which is never handed over. The mean frame of a video is subtracted. Scores are averaged over the frames of a video; the
eLR network is tested.

Filled in: the 1x1 convolution is coupled as the last 5x5. Flow has two channels where the authors coloured it with
three. The mean is that of the frames looked at. The frame is the middle one of an interval, whose others give flow
alone; all K intervals of a video are samples in training. Filters are handed over after each step of a turn, which is
the same, as the other network rests. The last turn is eLR's, since HR's leaves filters in the eLR network that do not
suit it yet; with an even number of epochs HR is first. Published training: SGD, batch 256, weight decay 5e-4, rate 0.01
for 10, 0.005 for 10, 0.0005 for 5 epochs; here as the recipe's section `student` says, half of whose epochs are HR's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.models.network import initialise
from farview.rivals.network import Rival, Step, StreamsConfig, cross_entropy, scaled
from farview.rivals.streams import Streams

Fusion = Literal["sum", "concat", "conv"]
DROPOUT = {"rgb": 0.5, "flow": 0.2}
"""After a tower's first two poolings."""
PLACES = {"conv1": 0, "conv2": 1, "conv3": 2, "mix": 2, "fc1": 3, "fc2": 4}
"""Of each layer's share in `coupling`."""


@dataclass(frozen=True)
class SemiCoupledConfig(StreamsConfig):
    """Options of the semi-coupled network. Validated; raises FarviewError."""

    method: ClassVar[str] = "semi-coupled"

    intervals: Intervals = Intervals(8, 11)
    """The middle frame of each is seen, and the flow of all."""
    size: tuple[int, int] = (32, 32)
    fusion: Fusion = "sum"
    """Of the two towers: sum; concat; conv: concatenated, then 1x1 to as many channels as one has."""
    coupling: tuple[float, float, float, float, float] = (0.0, 0.25, 0.5, 0.75, 1.0)
    """Share of the filters that both resolutions have in common: three convolutions, two fully connected layers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fusion not in get_args(Fusion):
            raise FarviewError(f"fusion: '{self.fusion}' is none of {', '.join(get_args(Fusion))}")
        if len(self.coupling) != 5 or not all(0 <= share <= 1 for share in self.coupling):
            raise FarviewError(f"coupling: {list(self.coupling)}; expected five shares from 0 to 1")
        if self.intervals.count * self.intervals.frames < 2:
            raise FarviewError(
                "intervals: a single frame less the mean frame is nothing; expected more frames"
            )

    @property
    def uses_hr(self) -> bool:
        """Always."""
        return True

    def build(self, classes: int, channels: int) -> "SemiCoupled":
        """Both networks with fresh weights."""
        return SemiCoupled(self, classes, channels)


class Towers(nn.Module):
    """The network of one resolution."""

    def __init__(self, config: SemiCoupledConfig, classes: int, channels: int) -> None:
        super().__init__()
        sizes = [scaled(size, config.width) for size in (32, 64, 128)]
        stacked = {
            stream: c * (config.intervals.frames if stream == "flow" else 1)
            for stream, c in config.channels(channels).items()
        }
        self.towers = nn.ModuleDict(
            {stream: tower(c, sizes, DROPOUT[stream]) for stream, c in stacked.items()}
        )
        self.fusion = config.fusion if len(stacked) > 1 else "sum"
        joined = sizes[2] if self.fusion == "sum" else sizes[2] * len(stacked)
        self.mix = nn.Conv2d(joined, sizes[2], 1) if self.fusion == "conv" else nn.Identity()
        left = (-(-config.size[0] // 8), -(-config.size[1] // 8))
        self.fc1 = nn.Conv2d(sizes[2] if self.fusion == "conv" else joined, sizes[2], left)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(sizes[2], classes)
        self.apply(initialise)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """A frame (N, C, H, W) and a stack of flow (N, 2 T, H, W) to logits (N, classes)."""
        maps = [self.towers[stream](x) for stream, x in inputs.items()]
        fused = torch.stack(maps).sum(0) if self.fusion == "sum" else self.mix(torch.cat(maps, 1)).relu()
        return self.fc2(self.dropout(self.fc1(fused).flatten(1)))


def tower(channels: int, sizes: list[int], dropout: float) -> nn.Sequential:
    """(N, C, H, W) to (N, `sizes[2]`, H / 8, W / 8), rounded up; layers are named for the coupling."""
    layers: dict[str, nn.Module] = {}
    for number, size in enumerate(sizes, 1):
        layers[f"conv{number}"] = nn.Conv2d(channels, size, 5, padding=2)
        layers[f"bn{number}"], layers[f"relu{number}"] = nn.BatchNorm2d(size), nn.ReLU()
        pool = nn.MaxPool2d(3, 2, 1) if number == 1 else nn.AvgPool2d(3, 2, 1, count_include_pad=False)
        layers[f"pool{number}"] = pool
        if number < 3:
            layers[f"dropout{number}"] = nn.Dropout(dropout)
        channels = size
    named = nn.Sequential()
    for name, layer in layers.items():
        named.add_module(name, layer)
    return named


class SemiCoupled(Rival):
    """The networks of both resolutions."""

    training_only: ClassVar[tuple[str, ...]] = ("hr",)

    def __init__(self, config: SemiCoupledConfig, classes: int, channels: int) -> None:
        super().__init__()
        self.size, self.coupling = config.size, config.coupling
        self.elr = Towers(config, classes, channels)
        self.hr = Towers(config, classes, channels)

    def inputs(self, seen: Streams, hr: bool) -> dict[str, Tensor]:
        """What the towers take of every interval: the middle frame, and the flow of all frames as channels."""
        found: dict[str, Tensor] = {}
        for stream in seen.parts:
            video = seen.see(stream, self.size, hr)  # (B, K, C, T, H, W)
            video = video - video.mean((1, 3), keepdim=True)
            if stream == "flow":
                found[stream] = video.flatten(2, 3).flatten(0, 1)  # (B*K, 2 T, H, W)
            else:
                found[stream] = video[:, :, :, video.shape[3] // 2].flatten(0, 1)  # (B*K, C, H, W)
        return found

    def forward(self, seen: Streams) -> Tensor:
        return self.elr(self.inputs(seen, hr=False)).unflatten(0, (len(seen.clips), -1))

    def terms(self, seen: Streams, step: Step) -> dict[str, Tensor]:
        """The cross-entropy of every interval, of the network whose turn it is."""
        net = self.hr if hr_turn(step) else self.elr
        logits = net(self.inputs(seen, hr=hr_turn(step)))  # (B*K, classes)
        intervals = len(logits) // len(seen.clips)
        ce = cross_entropy(logits, seen.labels.repeat_interleave(intervals), step)
        return {"ce": ce, "total": ce}

    def after_step(self, step: Step) -> None:
        """Hand over what both have in common."""
        source, target = (self.hr, self.elr) if hr_turn(step) else (self.elr, self.hr)
        couple(source, target, self.coupling)


def hr_turn(step: Step) -> bool:
    """Whether it is the turn of the HR network: every other epoch, eLR's the last."""
    return (step.epochs - 1 - step.epoch) % 2 == 1


@torch.no_grad()
def couple(source: Towers, target: Towers, coupling: tuple[float, ...]) -> None:
    """Copy the first round(r N) of each layer's N filters, with their biases; r in the order of `coupling`.

    The classes' biases are no part of it.
    """
    to = dict(target.named_parameters())
    for name, mine in source.named_parameters():
        layer = name.split(".")[-2]
        if layer in PLACES and name != "fc2.bias":
            shared = int(coupling[PLACES[layer]] * len(mine) + 0.5)
            to[name][:shared] = mine[:shared]
