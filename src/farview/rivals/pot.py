"""PoT, pooled time series (Ryoo, Rothrock, Matthies: Pooled Motion Features for First-Person Videos, CVPR 2015).

Taken from the publication and its authors' tool: each frame has descriptors, each number of a descriptor is a series
over time; windows of a temporal pyramid (the clip, its halves, quarters, eighths) pool it by maximum, sum, and counts
of rises and of falls; a chi-square kernel of several channels (descriptor x operator).

Filled in: HOG and HOF, optionally MBH, on enlarged grey eLR frames (`descriptors`); flow by dense inverse search; where
windows end and how changes are taken (`pooling`); a kernel SVM, one class against the rest, C by cross-validation over
the groups of the training clips (`svm`). Which network gave the publication's third descriptor at 12x16 is not known:
here it is the recipe's S-Net, trained on the same clips before (`frame_network`). It knows the training clips' labels,
so that cross-validation sees these easier than they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from farview.console import watched
from farview.data.clip import Clip
from farview.errors import FarviewError
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from farview.rivals.descriptors import Descriptor, describe
from farview.rivals.frame_network import FrameNetwork
from farview.rivals.pooling import pool
from farview.rivals.svm import Matrix, Svm, Vectors, chi_square_kernel, fit_validated, training_kernel
from farview.training.data import Prepared
from farview.training.recipe import Recipe


@dataclass(frozen=True)
class PotConfig:
    """Options of PoT. Validated; raises FarviewError."""

    method: ClassVar[str] = "pot"
    uses_hr: ClassVar[bool] = False
    """Whether it learns from HR frames."""

    descriptors: tuple[Descriptor, ...] = ("hog", "hof", "cnn")
    """What describes a frame: hog, hof, mbh; cnn: the recipe's S-Net, which is trained first."""

    def __post_init__(self) -> None:
        known = get_args(Descriptor)
        if not self.descriptors or sorted(set(self.descriptors)) != sorted(self.descriptors):
            raise FarviewError(f"descriptors: {list(self.descriptors)}; expected one or more, each once")
        for name in self.descriptors:
            if name not in known:
                raise FarviewError(f"descriptors: '{name}' is none of {', '.join(known)}")

    @property
    def uses_network(self) -> bool:
        """Whether it builds on S-Net."""
        return "cnn" in self.descriptors


@dataclass(frozen=True)
class PotModel:
    """A trained PoT or ISR classifier with all that is needed to use it."""

    method: Literal["pot", "isr"]
    config: PotConfig
    classes: tuple[str, ...]
    """In the order of the logits."""
    sensor: SensorModel
    """What makes the eLR frames that it sees."""
    sizes: tuple[int, ...]
    """Lengths of the kernel's channels."""
    scales: Matrix
    """(channels,) mean distances of training."""
    vectors: Vectors
    """(S, D): the support vectors."""
    svm: Svm
    """With S coefficients a class."""
    network: FrameNetwork | None = None
    """What the descriptor cnn says of frames."""
    frames: int = 0
    """Of a training clip, rounded mean: what multiply-adds of a video are those of."""
    trained: dict[str, Any] = field(default_factory=dict)
    """How it was trained; values that JSON can hold."""
    accuracy: dict[str, Any] = field(default_factory=dict)
    """What was measured, on what; values that JSON can hold."""

    @property
    def multiply_adds(self) -> int:
        """Of a video: the network on its frames, the kernel's row, the classes' margins; not flow and histograms."""
        support, length = self.vectors.shape
        network = self.network.multiply_adds if self.network else 0
        return self.frames * network + support * (length + len(self.classes))

    @property
    def parameters(self) -> int:
        """Numbers that were learned: the network's, support vectors, coefficients, intercepts, scales."""
        svm, network = self.svm, self.network.parameters if self.network else 0
        return network + sum(
            each.size for each in (self.vectors, svm.coefficients, svm.intercept, self.scales)
        )

    def to(self, device: torch.device | str) -> None:
        """Run the network there from now on, if there is one; all else runs on the CPU."""
        if self.network is not None:
            self.network.network.to(device)

    def logits(self, videos: Iterable[Images]) -> tuple[Matrix, Vectors]:
        """(N, classes) logits and (N, D) pooled vectors of N eLR videos (T, h, w, C), each of its own T."""
        vectors, _ = pooled(videos, self.config, self.network)
        kernel = chi_square_kernel(vectors, self.vectors, self.sizes, self.scales)
        return self.svm.logits(kernel), vectors


def pooled(
    videos: Iterable[Images], config: PotConfig, network: FrameNetwork | None = None
) -> tuple[Vectors, tuple[int, ...]]:
    """Pooled vectors (N, D) of N eLR videos (T, h, w, C), and the lengths of the channels that they consist of.

    A channel is what one operator made of one descriptor; the four of a descriptor follow each other. `network` is
    needed for the descriptor cnn. Raises ValueError without videos.
    """
    rows: list[Vectors] = []
    sizes: tuple[int, ...] = ()
    for frames in videos:
        channels = [
            row for series in describe(frames, config.descriptors, network).values() for row in pool(series)
        ]
        sizes = tuple(len(channel) for channel in channels)
        rows.append(np.concatenate(channels))
    return np.stack(rows), sizes


def train_pot(
    recipe: Recipe,
    config: PotConfig,
    clips: Prepared,
    network: FrameNetwork | None = None,
    quiet: bool = False,
) -> PotModel:
    """PoT on the training clips' eLR frames, by the recipe's sensor; with the descriptor cnn by `network`."""
    videos = (clips.store.elr(clip.source) for clip in clips.train)
    vectors, sizes = pooled(watched(videos, len(clips.train), "describing", quiet), config, network)
    labels, groups = labels_of(clips.train), groups_of(clips.train)
    sensor = recipe.input.sensor
    model = classifier("pot", config, clips.data.classes, sensor, vectors, sizes, labels, groups)
    return with_network(model, clips, network)


def with_network(model: PotModel, clips: Prepared, network: FrameNetwork | None) -> PotModel:
    """The model together with the network that its descriptor cnn comes from, if it has one."""
    if network is None:
        return model
    frames = round(float(np.mean([clips.store.length(clip.source) for clip in clips.train])))
    return replace(model, network=network, frames=frames)


def classifier(
    method: Literal["pot", "isr"],
    config: PotConfig,
    classes: tuple[str, ...],
    sensor: SensorModel,
    vectors: Vectors,
    sizes: tuple[int, ...],
    labels: NDArray[np.int64],
    groups: Sequence[str],
) -> PotModel:
    """The model of pooled training vectors (N, D) with their labels and groups; keeps the support vectors only."""
    kernel, scales = training_kernel(vectors, sizes)
    machine = fit_validated(kernel, labels, groups, len(classes))
    used = np.flatnonzero(machine.coefficients.any(0))
    used = used if len(used) else np.arange(1)  # a file cannot hold an empty array
    machine = Svm(machine.coefficients[:, used], machine.intercept, machine.c, machine.temperature)
    return PotModel(method, config, classes, sensor, sizes, scales, vectors[used], machine)


def labels_of(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """(N,); all clips must be labelled."""
    return np.array([-1 if clip.label is None else clip.label for clip in clips], np.int64)


def groups_of(clips: Sequence[Clip]) -> list[str]:
    """The group of each clip; one without stands for itself."""
    return [f"clip {clip.id}" if clip.group is None else f"group {clip.group}" for clip in clips]
