"""What the rivals that are networks have in common: options, and how training meets them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, get_args

from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.models.weights import Loaded
from farview.rivals.streams import FLOW_CHANNELS, Stream, Streams, stream_frames
from farview.training.data import Prepared
from farview.training.recipe import Phase, Recipe, weights_files


@dataclass(frozen=True)
class StreamsConfig:
    """Options of every rival that is a network. Validated; raises FarviewError."""

    method: ClassVar[str]
    """Its name in files and folders."""
    stages: ClassVar[dict[str, Phase]] = {"student": "student"}
    """What is trained one after the other, each by a section of the recipe."""
    starts: ClassVar[tuple[Phase, ...]] = ()
    """The sections whose `initial` may name a file of first weights."""

    streams: tuple[Stream, ...] = ("rgb", "flow")
    """rgb: frames as the recipe's store has them; flow: their optical flow."""
    intervals: Intervals = Intervals(1, 32)
    """K intervals x T frames x stride, in place of the recipe's."""
    size: tuple[int, int] = (224, 224)
    """Height and width that frames are brought to."""
    width: float = 1.0
    """Channels of all layers as a share of the published ones."""

    def __post_init__(self) -> None:
        if not self.streams or len(set(self.streams)) != len(self.streams):
            raise FarviewError(f"streams: {list(self.streams)}; expected rgb, flow or both, each once")
        for name in self.streams:
            if name not in get_args(Stream):
                raise FarviewError(f"streams: '{name}' is neither rgb nor flow")
        if min(self.size) < 1:
            raise FarviewError(f"size: {list(self.size)}; expected a height and a width of at least 1")
        if not 0 < self.width < math.inf:
            raise FarviewError(f"width: {self.width} must be above 0; 1 is the published network")

    @property
    def uses_hr(self) -> bool:
        """Whether training sees HR frames."""
        return False

    @property
    def uses_hr_flow(self) -> bool:
        """Whether training sees the flow of HR frames."""
        return self.uses_hr and "flow" in self.streams

    @property
    def sections(self) -> tuple[Phase, ...]:
        """The sections of the recipe that its training depends on."""
        return tuple(dict.fromkeys(self.stages.values()))

    def channels(self, stored: int) -> dict[Stream, int]:
        """Channels of each stream where the stored frames have `stored`."""
        return {stream: FLOW_CHANNELS if stream == "flow" else stored for stream in self.streams}

    def build(self, classes: int, channels: int) -> "Rival":
        """The network with fresh weights for stored frames of `channels`."""
        raise NotImplementedError

    def samples(
        self,
        clips: Prepared,
        stores: Mapping[Stream, Any],
        recipe: Recipe,
        train: bool,
        quiet: bool = False,
    ) -> Dataset:
        """What it learns from, or with `train` False is validated on; `quiet`: no progress is shown."""
        return stream_frames(
            clips.train if train else clips.val,
            stores,
            self.intervals,
            hr=self.uses_hr,
            augment=recipe.augment if train else None,
            seed=recipe.seed,
            sensor=recipe.input.sensor,
        )


class Step(NamedTuple):
    """Where training is."""

    stage: str
    epoch: int
    """From 0."""
    epochs: int
    """Of the stage."""
    smoothing: float = 0.0
    """Of the labels."""


class Rival(nn.Module):
    """A network that `train` can train."""

    training_only: ClassVar[tuple[str, ...]] = ()
    """Names of modules, at any depth, that testing does without; the model file leaves them out."""

    def forward(self, seen: Streams) -> Tensor:
        """Logits of K intervals from eLR alone, (B, K, classes); their mean is the clip's."""
        raise NotImplementedError

    def judged(self, seen: Streams, stage: str) -> Tensor:
        """What validation judges during a stage, (B, K, classes)."""
        return self(seen)

    def terms(self, seen: Streams, step: Step) -> dict[str, Tensor]:
        """Named scalars, `total` among them."""
        raise NotImplementedError

    def learned(self, stage: str) -> Sequence[nn.Module]:
        """The modules whose parameters a stage learns."""
        return [self]

    def start(self, stage: str, initial: str) -> list[str]:
        """Load first weights for a stage of the config's `starts` from a file; what was done, for the reader.

        Raises FarviewError where they do not fit.
        """
        raise NotImplementedError

    def after_step(self, step: Step) -> None:
        """Called after each step of the optimiser."""


def cross_entropy(logits: Tensor, labels: Tensor, step: Step) -> Tensor:
    """Mean over N clips: (N, classes), (N,)."""
    return F.cross_entropy(logits, labels, label_smoothing=step.smoothing)


def start_streams(nets: nn.ModuleDict, initial: str, load: Callable[[Any, Path], Loaded]) -> list[str]:
    """Fill each stream's network from `initial`, in which `{stream}` stands for its name; what became of them."""
    paths = dict(zip(nets, weights_files(initial, list(nets)), strict=True))
    return [f"{stream} starts from {path}: {load(nets[stream], path)}" for stream, path in paths.items()]


def scaled(channels: int, width: float) -> int:
    """`channels` times the width factor, at least 1."""
    return max(1, round(channels * width))
