"""Fully-coupled two-stream network (Xu, Sharghi, Chen, Crandall, WACV 2018, arXiv 1801.03983).

Taken from the authors' code: C3D, one for frames and one for optical flow, gives 4,096 numbers for each unit of a
video, brought to length 1; a bidirectional GRU of one layer and 512 units for each stream goes over the units; the
last forward and backward states of both streams are summed, a linear layer classifies; RMSprop at rate 1e-3 without
schedule or decay, batch 256, 50 epochs. HR and eLR are separate samples for one set of weights; testing sees eLR alone.

Filled in: units of 16 frames; eLR enlarged to 112x112, bicubic; the features are those of the first of the two layers,
after its ReLU; C3D starts from random weights (He et al.'s, which small data need) or, as the authors', from
Sports-1M's (`student.initial`). First C3D learns to classify units, of the eLR and the HR video of a clip in one batch
where the authors are said to alternate them, as the recipe's section `student` says (published: SGD, rate 1e-4, /10
every 5,000 of 20,000 iterations, weight decay 5e-4); then the GRUs learn from the features of a C3D that is fixed, as
section `transfer` says. Units without any feature at a video's end, as padding has, are passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from farview.frames.intervals import Intervals
from farview.rivals.c3d import C3d, load_c3d
from farview.rivals.network import Rival, Step, StreamsConfig, cross_entropy, scaled, start_streams
from farview.rivals.streams import Stream, Streams
from farview.training.recipe import Phase


@dataclass(frozen=True)
class FullyCoupledConfig(StreamsConfig):
    """Options of the fully-coupled network. Validated; raises FarviewError."""

    method: ClassVar[str] = "fully-coupled"
    stages: ClassVar[dict[str, Phase]] = {"features": "student", "sequence": "transfer"}
    starts: ClassVar[tuple[Phase, ...]] = ("student",)

    intervals: Intervals = Intervals(8, 16)
    """The units of a video."""
    size: tuple[int, int] = (112, 112)
    hr: bool = True
    """Learn from HR videos too."""
    norm: bool = False
    """BatchNorm in C3D, without which it does not learn from a few hundred clips and random weights."""

    @property
    def uses_hr(self) -> bool:
        """As `hr` says."""
        return self.hr

    def build(self, classes: int, channels: int) -> "FullyCoupled":
        """The network with fresh weights."""
        return FullyCoupled(self, classes, channels)


class Aggregation(nn.Module):
    """The features of a video's units in every stream to logits."""

    def __init__(self, classes: int, streams: Sequence[str], features: int, hidden: int) -> None:
        super().__init__()
        self.grus = nn.ModuleDict(
            {name: nn.GRU(features, hidden, batch_first=True, bidirectional=True) for name in streams}
        )
        self.fc = nn.Linear(hidden, classes)

    def forward(self, features: dict[Stream, Tensor]) -> Tensor:
        """(B, K, features) of each stream, of any length, to (B, classes); zeros at the end are passed over."""
        states = []
        for stream, units in features.items():
            places = torch.arange(1, units.shape[1] + 1, device=units.device)
            lengths = (units.any(2) * places).amax(1).clamp(min=1).cpu()  # (B,), up to the last that has any
            packed = pack_padded_sequence(
                F.normalize(units, dim=2), lengths, batch_first=True, enforce_sorted=False
            )
            states.append(self.grus[stream](packed)[1].sum(0))  # (B, hidden), forward + backward
        return self.fc(torch.stack(states).sum(0))


class FullyCoupled(Rival):
    """One set of weights for both resolutions."""

    training_only: ClassVar[tuple[str, ...]] = ("fc7", "fc8")

    def __init__(self, config: FullyCoupledConfig, classes: int, channels: int) -> None:
        super().__init__()
        self.size, self.both = config.size, config.hr
        frames = config.intervals.frames
        nets: dict[str, nn.Module] = {
            stream: C3d(classes, c, frames, config.size, config.width, config.norm)
            for stream, c in config.channels(channels).items()
        }
        self.c3d = nn.ModuleDict(nets)
        features, hidden = scaled(4096, config.width), scaled(512, config.width)
        self.aggregation = Aggregation(classes, config.streams, features, hidden)

    def features(self, seen: Streams, both: bool = False) -> dict[Stream, Tensor]:
        """Of every unit in every stream, (B', K, features): of the eLR videos, with `both` of the HR videos after them
        in one batch, so that BatchNorm sees both, B' = 2 B.
        """
        found = {}
        for stream in seen.parts:
            units = seen.see(stream, self.size)  # (B, K, C, T, H, W)
            if both:
                units = torch.cat([units, seen.see(stream, self.size, hr=True)])
            found[stream] = self.c3d[stream](units.flatten(0, 1)).unflatten(0, units.shape[:2])
        return found

    def samples(self, seen: Streams) -> tuple[dict[Stream, Tensor], Tensor]:
        """Features (B', K, features) and labels (B',): of eLR, then if they take part of HR videos, B' = 2 B."""
        return self.features(seen, self.both), seen.labels.repeat(2 if self.both else 1)

    def forward(self, seen: Streams) -> Tensor:
        return self.aggregation(self.features(seen))[:, None]

    def judged(self, seen: Streams, stage: str) -> Tensor:
        """While the features are learned, the units' own logits."""
        if stage != "features":
            return self(seen)
        each = self.classified(self.features(seen))
        return torch.stack(list(each.values())).sum(0)

    def classified(self, features: dict[Stream, Tensor]) -> dict[Stream, Tensor]:
        """The logits of each unit in every stream, (B, K, classes)."""
        found = {}
        for stream, units in features.items():
            net = self.c3d[stream]
            assert isinstance(net, C3d)
            found[stream] = net.classify(units)
        return found

    def terms(self, seen: Streams, step: Step) -> dict[str, Tensor]:
        """Cross-entropy of the units, each stream by itself; then of the videos."""
        if step.stage == "features":
            found, labels = self.samples(seen)
            terms = {}
            for stream, logits in self.classified(found).items():
                each = labels.repeat_interleave(logits.shape[1])  # (B' K,)
                terms[f"ce-{stream}"] = cross_entropy(logits.flatten(0, 1), each, step)
            return terms | {"total": torch.stack(list(terms.values())).sum()}
        self.c3d.eval()
        with torch.no_grad():
            found, labels = self.samples(seen)
        ce = cross_entropy(self.aggregation(found), labels, step)
        return {"ce": ce, "total": ce}

    def start(self, stage: str, initial: str) -> list[str]:
        """Load each stream's C3D."""
        return start_streams(self.c3d, initial, load_c3d)

    def learned(self, stage: str) -> Sequence[nn.Module]:
        """C3D, or with its features fixed the rest."""
        return [self.c3d if stage == "features" else self.aggregation]
