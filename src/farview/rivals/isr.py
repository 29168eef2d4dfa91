"""ISR, inverse super-resolution (Ryoo, Rothrock, Fleming, Yang, AAAI 2017, arXiv 1604.03196).

Taken from the publication's abstract and summaries: several eLR training videos are made from one HR video by sub-pixel
transforms, and the set of transforms is learned for the classifier; HR is used in training only. Of two ways to
learn the set this is the one by maximum entropy: keep the transforms whose videos leave the classifier least sure.

Filled in: a pool of random affine transforms with blur; the classifier of the search is PoT on part of the training
clips, its uncertainty the mean entropy on the others, whole groups apart; transforms join one by one, the untransformed
video first; the features are PoT's, with an S-Net that was trained on untransformed videos; testing sees these, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.console import watched
from farview.data.clip import Clip
from farview.data.splits import hold_out
from farview.errors import FarviewError
from farview.frames.sensor import SensorModel
from farview.frames.source import Images, Source
from farview.frames.store import FrameStore
from farview.rivals.frame_network import FrameNetwork
from farview.rivals.pot import PotConfig, PotModel, classifier, groups_of, labels_of, pooled, with_network
from farview.rivals.svm import chi_square_kernel, fit, fit_validated, training_kernel
from farview.training.data import Prepared
from farview.training.recipe import Recipe

SHIFT, ZOOM, TURN, BLUR = 0.5, 0.1, 5.0, 0.5
"""Largest shift in eLR pixels, change of scale, rotation in degrees, sigma of further blur in eLR pixels."""
HELD = 1 / 3
"""Share of the training clips on which the search measures uncertainty."""


@dataclass(frozen=True)
class IsrConfig(PotConfig):
    """Options of ISR, PoT's among them. Validated; raises FarviewError."""

    method: ClassVar[str] = "isr"
    uses_hr: ClassVar[bool] = True
    """The copies are made from HR frames."""

    copies: int = 8
    """eLR videos made from each training video, the untransformed one among them."""
    pool: int = 64
    """Transforms to choose from."""
    search_clips: int = 120
    """At most that many training clips take part in the choice. Time grows with it and with `pool`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.copies <= self.pool:
            raise FarviewError(f"copies: {self.copies} must be 1 to {self.pool}, the size of the pool")
        if self.search_clips < 2:
            raise FarviewError(f"search_clips: {self.search_clips} must be at least 2")


@dataclass(frozen=True)
class Transform:
    """How the camera that would have seen the HR scene differs from the one that is stored."""

    right: float = 0.0
    """Shift in eLR pixels."""
    down: float = 0.0
    scale: float = 1.0
    """About the frame's centre; above 1 enlarges."""
    turn: float = 0.0
    """Degrees, counter-clockwise."""
    blur: float = 0.0
    """Sigma in eLR pixels, beyond the sensor's own."""

    def apply(self, frames: Images, pixel: tuple[float, float]) -> Images:
        """HR frames (T, H, W, C) as this camera would see them, same shape; edges are continued outwards.

        `pixel` is the height and width of an eLR pixel in HR pixels.
        """
        height, width = frames.shape[1:3]
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), self.turn, self.scale)
        matrix[:, 2] += np.array([self.right * pixel[1], self.down * pixel[0]])
        out = np.empty(frames.shape, np.uint8)
        for frame, target in zip(frames, out, strict=True):
            moved = cv2.warpAffine(
                np.ascontiguousarray(frame), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
            )
            if self.blur:
                x, y = self.blur * pixel[1], self.blur * pixel[0]
                moved = cv2.GaussianBlur(moved, (0, 0), sigmaX=x, sigmaY=y, borderType=cv2.BORDER_REPLICATE)
            target[:] = moved.reshape(target.shape)
        return out


IDENTITY = Transform()


def draw_pool(count: int, seed: int) -> tuple[Transform, ...]:
    """`count` different transforms, the first of them the identity."""
    drawn = np.random.default_rng(seed).uniform(-1, 1, (count - 1, 5))
    return (
        IDENTITY,
        *(
            Transform(SHIFT * x, SHIFT * y, 1 + ZOOM * z, TURN * turn, BLUR * abs(blur))
            for x, y, z, turn, blur in drawn.tolist()
        ),
    )


def copy_of(source: Source, transform: Transform, store: FrameStore, sensor: SensorModel) -> Images:
    """The eLR video (T, h, w, C) of a transformed HR video; of the identity the stored one.

    Raises FarviewError where HR frames have fewer pixels than the sensor.
    """
    if transform == IDENTITY:
        return store.elr(source)
    frames = np.asarray(store.hr(source))
    pixel = frames.shape[1] / sensor.height, frames.shape[2] / sensor.width
    return sensor.degrade(transform.apply(frames, pixel), range(len(frames)))


def train_isr(
    recipe: Recipe,
    config: IsrConfig,
    clips: Prepared,
    network: FrameNetwork | None = None,
    quiet: bool = False,
) -> PotModel:
    """Learn the set of transforms by the recipe's sensor and seed, then train on every copy.

    The store must have HR frames; `network` is needed for the descriptor cnn.
    """
    sensor = recipe.input.sensor
    transforms = choose(recipe, config, clips, network, quiet)
    copies = watched(
        _copies(clips.train, transforms, clips.store, sensor),
        len(clips.train) * len(transforms),
        "describing copies",
        quiet,
    )
    vectors, sizes = pooled(copies, config, network)
    labels, groups = (
        np.tile(labels_of(clips.train), len(transforms)),
        groups_of(clips.train) * len(transforms),
    )
    model = classifier("isr", config, clips.data.classes, sensor, vectors, sizes, labels, groups)
    model = replace(model, trained={"transforms": [asdict(transform) for transform in transforms]})
    return with_network(model, clips, network)


def _copies(
    clips: Sequence[Clip], transforms: Sequence[Transform], store: FrameStore, sensor: SensorModel
) -> Iterator[Images]:
    """Every clip under the first transform, then every clip under the second, and so on."""
    return (copy_of(clip.source, transform, store, sensor) for transform in transforms for clip in clips)


def choose(
    recipe: Recipe,
    config: IsrConfig,
    clips: Prepared,
    network: FrameNetwork | None = None,
    quiet: bool = False,
) -> tuple[Transform, ...]:
    """`config.copies` transforms of the pool: the identity, then again and again the one with the largest mean entropy.

    Learns from one part of the training clips and measures on the other; validation and test clips play no part.
    """
    sensor, seed = recipe.input.sensor, recipe.seed
    candidates = draw_pool(config.pool, seed)
    if config.copies == 1:
        return candidates[:1]
    learned, judged = inner_parts(clips.train, config.search_clips, seed)
    labels, classes = labels_of(learned), len(clips.data.classes)
    tried = watched(
        _copies(judged, candidates, clips.store, sensor),
        len(judged) * len(candidates),
        "describing transforms",
        quiet,
    )
    seen, sizes = pooled(tried, config, network)  # (P * J, D)
    vectors, _ = pooled(_copies(learned, candidates[:1], clips.store, sensor), config, network)
    kernel, scales = training_kernel(vectors, sizes)
    machine = fit_validated(kernel, labels, groups_of(learned), classes)
    chosen, across = [0], [chi_square_kernel(seen, vectors, sizes, scales)]
    while True:
        unsure = entropy(machine.logits(np.hstack(across))).reshape(len(candidates), -1).mean(1)  # (P,)
        unsure[chosen] = -1
        chosen.append(int(unsure.argmax()))
        if len(chosen) == config.copies:
            return tuple(candidates[i] for i in chosen)
        more, _ = pooled(_copies(learned, [candidates[chosen[-1]]], clips.store, sensor), config, network)
        corner = chi_square_kernel(vectors, more, sizes, scales)
        kernel = np.block([[kernel, corner], [corner.T, chi_square_kernel(more, more, sizes, scales)]])
        vectors = np.concatenate([vectors, more])
        across.append(chi_square_kernel(seen, more, sizes, scales))
        again = fit(kernel, np.tile(labels, len(chosen)), classes, machine.c)
        machine = replace(again, temperature=machine.temperature)


def inner_parts(clips: Sequence[Clip], count: int, seed: int) -> tuple[list[Clip], list[Clip]]:
    """Clips to learn from and clips to measure on, about `count` or fewer together, whole groups apart.

    Where the groups forbid that (a class would lose its last clip), both are drawn from the same clips.
    """
    learned, judged = hold_out(clips, HELD, seed)
    rng = np.random.default_rng([seed, 2])

    def some(part: Sequence[Clip], most: int) -> list[Clip]:
        return [part[i] for i in sorted(rng.permutation(len(part))[: max(1, most)])]

    judged_count = round(count * HELD)
    return some(learned, count - judged_count), some(judged or learned, judged_count)


def entropy(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, classes) to (N,): entropy of the softmax, in nats."""
    from scipy.special import entr, softmax

    return entr(softmax(logits, axis=1)).sum(1)
