"""Spatial-temporal multi-head self-attention on I3D (Purwanto, Pramono, Chen, Fang, ICCV Workshops 2019, 961-969).

Taken from the publication's abstract: eLR frames are super-resolved first; two streams; a teacher that sees HR is
distilled to a student that sees eLR; spatial-temporal multi-head self-attention finds long-term dependency in the
features of I3D. 32 frames and 32 flow images, as CSTAT's paper says of it.

Filled in, as the publication's text was not to be had: super-resolution is bicubic enlargement to 224x224. The
features of Mixed_5c become 256-d tokens by a 1x1x1 convolution, one for each place in space and time, each with a
learned position; one layer of self-attention with 8 heads, added to its input, LayerNorm; the mean of all tokens, a
linear layer. A teacher of the same shape is trained for each stream by the recipe's section `teacher` and fixed; the
student learns by section `student` from cross-entropy + 0.5 x T^2 KL(teacher, student) at temperature T = 4, stream by
stream; the logits of both streams are averaged. Each starts from random weights or from I3D's (`teacher.initial`,
`student.initial`), as `i3d` says.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from farview.errors import FarviewError
from farview.rivals.i3d import Inception, each_stream, load_inception
from farview.rivals.network import Rival, Step, StreamsConfig, cross_entropy, scaled, start_streams
from farview.rivals.streams import Streams
from farview.training.recipe import Phase
from farview.transfer.kd import kd_loss

HEADS, HEAD_SIZE = 8, 32


@dataclass(frozen=True)
class PurwantoConfig(StreamsConfig):
    """Options of Purwanto et al.'s network. Validated; raises FarviewError."""

    method: ClassVar[str] = "purwanto"
    stages: ClassVar[dict[str, Phase]] = {"teacher": "teacher", "student": "student"}
    starts: ClassVar[tuple[Phase, ...]] = ("teacher", "student")

    weight: float = 0.5
    """Of the distillation, beside the cross-entropy."""
    temperature: float = 4.0
    """At which teacher and student are compared."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.weight < math.inf:
            raise FarviewError(f"weight: {self.weight} must be a number of at least 0")
        if not 0 < self.temperature < math.inf:
            raise FarviewError(f"temperature: {self.temperature} must be a number above 0")

    @property
    def uses_hr(self) -> bool:
        """The teacher does."""
        return True

    def build(self, classes: int, channels: int) -> "Purwanto":
        """Teacher and student with fresh weights."""
        return Purwanto(self, classes, channels)


class AttentionNetwork(nn.Module):
    """(N, C, T, H, W) to logits (N, classes) of one stream."""

    def __init__(self, config: PurwantoConfig, classes: int, channels: int) -> None:
        super().__init__()
        self.body = Inception(channels, config.width)
        size = HEADS * scaled(HEAD_SIZE, config.width)
        places = 1
        for length, step in zip((config.intervals.frames, *config.size), (8, 32, 32), strict=True):
            places *= -(-length // step)
        self.reduce = nn.Conv3d(self.body.features, size, 1)
        self.positions = nn.Parameter(torch.empty(places, size))
        self.attention = nn.MultiheadAttention(size, HEADS, batch_first=True)
        self.norm = nn.LayerNorm(size)
        self.fc = nn.Linear(size, classes)
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, video: Tensor) -> Tensor:
        return self.fc(self.attend(self.tokens(video)).mean(1))

    def tokens(self, video: Tensor) -> Tensor:
        """(N, L, D): one for each place of Mixed_5c, L = T/8 x H/32 x W/32, time first."""
        return self.reduce(self.body(video)).flatten(2).transpose(1, 2)

    def attend(self, tokens: Tensor) -> Tensor:
        """(N, L, D) to (N, L, D)."""
        placed = tokens + self.positions
        return self.norm(placed + self.attention(placed, placed, placed, need_weights=False)[0])


class Purwanto(Rival):
    """Teacher and student of each stream."""

    training_only: ClassVar[tuple[str, ...]] = ("teacher",)

    def __init__(self, config: PurwantoConfig, classes: int, channels: int) -> None:
        super().__init__()
        self.size, self.weight, self.temperature = config.size, config.weight, config.temperature
        self.teacher, self.student = (
            nn.ModuleDict(
                {
                    stream: AttentionNetwork(config, classes, c)
                    for stream, c in config.channels(channels).items()
                }
            )
            for _ in range(2)
        )

    def forward(self, seen: Streams) -> Tensor:
        return torch.stack(list(each_stream(self.student, seen, self.size).values())).mean(0)

    def judged(self, seen: Streams, stage: str) -> Tensor:
        """In its stage, the teacher's logits."""
        if stage != "teacher":
            return self(seen)
        return torch.stack(list(each_stream(self.teacher, seen, self.size, hr=True).values())).mean(0)

    def terms(self, seen: Streams, step: Step) -> dict[str, Tensor]:
        """Cross-entropy of each stream; of the student's with its distance from the teacher's."""
        teaching = step.stage == "teacher"
        learner = each_stream(getattr(self, step.stage), seen, self.size, hr=teaching)
        terms = {f"ce-{name}": cross_entropy(x.mean(1), seen.labels, step) for name, x in learner.items()}
        total = torch.stack(list(terms.values())).sum()
        if not teaching:
            self.teacher.eval()
            with torch.no_grad():
                taught = each_stream(self.teacher, seen, self.size, hr=True)
            for name, logits in learner.items():
                kd = kd_loss(logits.mean(1), taught[name].mean(1), self.temperature).mean()
                terms[f"kd-{name}"] = kd
                total = total + self.weight * kd
        return terms | {"total": total}

    def start(self, stage: str, initial: str) -> list[str]:
        """Load all up to Mixed_5c of every stream's teacher or student."""
        return start_streams(getattr(self, stage), initial, load_inception)

    def learned(self, stage: str) -> Sequence[nn.Module]:
        """The teacher, then the student."""
        return [getattr(self, stage)]
