"""Multi-Siamese network (Ryoo, Kim, Yang, AAAI 2018, arXiv 1708.00999).

Taken from the publication's abstract and a figure's caption: a two-stream network and an embedding that maps the eLR
videos of one scene under different transforms to one place; 2n branches, n of one video and n of another, share all
parameters; contrastive and classification loss together; a temporal pyramid over the moments of a video; one branch is
left for testing.

Filled in, not verified: frames at the sensor's 12x16 pixels and stacks of 10 flow images; three convolutions and 256
features a stream; the pyramid's four levels pool the 512 features of all moments by maximum to 15 x 512, which a
linear layer classifies. Ours: convolutions 3x3 of 64, 128, 256 channels with BatchNorm and ReLU, pooling 2x2 after the
first two, dropout 0.5 before the classes; the embedding is the pyramid's vector, brought to length 1; the loss of two
branches is the squared distance, or where their videos differ the square of what the distance lacks to the margin 1,
mean over pairs; the other video is the next one of the batch; cross-entropy + 1 x contrastive; n = 8: the
untransformed video and others drawn anew for each sample from a pool of transforms, which are ISR's. Trained as the
recipe's section `student` says (read as SGD, momentum 0.9, rate 0.01).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from farview.console import progress
from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.models.network import initialise
from farview.rivals.copies import CopiedFrames, copy_stores
from farview.rivals.isr import draw_pool
from farview.rivals.network import Rival, Step, StreamsConfig, cross_entropy, scaled
from farview.rivals.pooling import windows
from farview.rivals.streams import Streams, stream_frames
from farview.training.data import Prepared
from farview.training.recipe import Recipe


@dataclass(frozen=True)
class MultiSiameseConfig(StreamsConfig):
    """Options of the multi-Siamese network. Validated; raises FarviewError."""

    method: ClassVar[str] = "multi-siamese"

    intervals: Intervals = Intervals(16, 10)
    """The moments of a video: the middle frame of each is seen, and the flow of all."""
    size: tuple[int, int] = (12, 16)
    copies: int = 8
    """eLR videos of each scene in a batch, the untransformed one among them: n. Memory and time grow with it."""
    pool: int = 16
    """Transforms that they are drawn from. The eLR videos of all are made before training and kept on disk."""
    weight: float = 1.0
    """Of the contrastive loss."""
    margin: float = 1.0
    """Distance at which different videos are far enough apart; two embeddings are at most 2 apart."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.copies <= self.pool:
            raise FarviewError(f"copies: {self.copies} must be 1 to {self.pool}, the size of the pool")
        if not 0 <= self.weight < math.inf:
            raise FarviewError(f"weight: {self.weight} must be a number of at least 0")
        if not 0 < self.margin <= 2:
            raise FarviewError(f"margin: {self.margin} must be above 0, up to 2")

    @property
    def uses_hr(self) -> bool:
        """Copies are made from HR frames."""
        return self.copies > 1

    @property
    def uses_hr_flow(self) -> bool:
        """Flow is that of the copies."""
        return False

    def build(self, classes: int, channels: int) -> "MultiSiamese":
        """The network with fresh weights; the same whatever `copies` is."""
        return MultiSiamese(self, classes, channels)

    def samples(
        self, clips: Prepared, stores: Mapping[Any, Any], recipe: Recipe, train: bool, quiet: bool = False
    ) -> Dataset:
        """`copies` of every training clip; validation clips as they are."""
        listed, seed, sensor = clips.train, recipe.seed, recipe.input.sensor
        if not train:
            return stream_frames(clips.val, stores, self.intervals)
        plain = stream_frames(
            listed, stores, self.intervals, augment=recipe.augment, seed=seed, sensor=sensor
        )
        if self.copies == 1:
            return plain
        transforms = draw_pool(self.pool, seed)[1:]
        with progress("eLR copies", quiet) as update:
            others = copy_stores(listed, transforms, tuple(stores), clips.store, recipe, update)
        every = [  # without sensor: a copy keeps its noise
            stream_frames(listed, seen, self.intervals, augment=recipe.augment, seed=seed) for seen in others
        ]
        return CopiedFrames([plain, *every], self.copies, seed)


class MultiSiamese(Rival):
    """One branch; the others are the same network again."""

    def __init__(self, config: MultiSiameseConfig, classes: int, channels: int) -> None:
        super().__init__()
        self.size, self.copies = config.size, config.copies
        self.weight, self.margin = config.weight, config.margin
        frames = config.intervals.frames
        sizes = [scaled(size, config.width) for size in (64, 128, 256)]
        self.towers = nn.ModuleDict(
            {
                stream: tower(c * frames if stream == "flow" else c, sizes, config.size)
                for stream, c in config.channels(channels).items()
            }
        )
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(len(windows(1)) * sizes[2] * len(config.streams), classes)
        self.apply(initialise)

    def embed(self, seen: Streams) -> Tensor:
        """The pyramid of every video, (B, 15 * D)."""
        found = []
        for stream in seen.parts:
            video = seen.see(stream, self.size)  # (B, K, C, T, H, W)
            middle = video.shape[3] // 2
            stack = video.flatten(2, 3) if stream == "flow" else video[:, :, :, middle]  # (B, K, C, H, W)
            found.append(self.towers[stream](stack.flatten(0, 1)).unflatten(0, stack.shape[:2]))
        return pyramid(torch.cat(found, 2))

    def forward(self, seen: Streams) -> Tensor:
        return self.fc(self.dropout(self.embed(seen)))[:, None]

    def terms(self, seen: Streams, step: Step) -> dict[str, Tensor]:
        """Cross-entropy of every copy and the contrastive loss; clips come `copies` times each."""
        embedded = self.embed(seen)  # (B*n, 15 * D)
        ce = cross_entropy(self.fc(self.dropout(embedded)), seen.labels, step)
        apart = contrastive(embedded.unflatten(0, (-1, self.copies)), self.margin)
        return {"ce": ce, "contrastive": apart, "total": ce + self.weight * apart}


def tower(channels: int, sizes: list[int], size: tuple[int, int]) -> nn.Sequential:
    """(N, C, *size) to (N, `sizes[2]`)."""
    layers: list[nn.Module] = []
    for number, out in enumerate(sizes):
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
        if number < 2:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        channels = out
    left = sizes[2] * -(-size[0] // 4) * -(-size[1] // 4)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(left, sizes[2]), nn.ReLU())


def pyramid(series: Tensor) -> Tensor:
    """Largest value in each of PoT's 15 windows: (B, K, D) to (B, 15 * D)."""
    return torch.cat([series[:, a:b].amax(1) for a, b in windows(series.shape[1])], 1)


def contrastive(embedded: Tensor, margin: float) -> Tensor:
    """Loss of n copies each of B videos, (B, n, D) of any length: every video beside the next one.

    Mean squared distance of the copies of one video + mean of max(0, `margin` - distance)^2 of copies of two. With one
    copy there is no first part, with one video no second.
    """
    b, n, _ = embedded.shape
    z = F.normalize(embedded, dim=2)
    total = z.new_zeros(())
    if n > 1:
        squared = 2 - 2 * z @ z.transpose(1, 2)  # (B, n, n)
        total = total + squared[:, ~torch.eye(n, dtype=torch.bool, device=z.device)].mean()
    if b > 1:
        squared = 2 - 2 * z @ z.roll(-1, 0).transpose(1, 2)
        total = total + F.relu(margin - squared.clamp(min=1e-12).sqrt()).square().mean()
    return total
