"""Section `data` of a recipe: which recordings, which split. Torch-free, so that help is quick."""

from dataclasses import dataclass
from typing import Literal

from farview.errors import FarviewError


@dataclass(frozen=True)
class DataConfig:
    """Section `data` of a recipe, and the options of `farview scan` and `farview evaluate`."""

    source: str
    """`kind:folder` with a kind of ucf101, hmdb51, ixmas, kinetics, msr-action3d, folder, array; `mime`."""
    split: str = "1"
    """ucf101, hmdb51: 1, 2 or 3. ixmas, array: the actor or group left out, by name or number (ixmas also
    random1..random10). folder: seed of the split, where the data give none. msr-action3d: 1 (cross-subject), or
    held-out1, held-out3, ... held-out9: that training subject left out, test subjects unused."""
    lists: str | None = None
    """Folder of the split lists, or the CSV, where it is not at its usual place."""
    classes: tuple[str, ...] | None = None
    """Only these classes, in this order; default: all."""
    test_share: float = 0.3
    """folder, array without a split of their own: share of the clips for testing; whole groups if any."""
    val_share: float = 0.2
    """Share of the training clips held out for validation; whole groups if any."""
    recognise: Literal["action", "group"] = "action"
    """group: who (or which group) it is, in place of the action: people seen in training, other recordings of theirs
    (about `test_share` of each one's clips, drawn by `split`) in test. Tells what a resolution hides."""
    per_class: int | None = None
    """At most that many clips of each class to learn from, once validation clips are held out, to see what more would
    bring; default: all."""
    box: bool = False
    """msr-action3d: the person's box grown to 4:3 instead of the whole frame."""
    distance: int = 1
    """msr-action3d: the frame set in a canvas that many times as large, as from further away."""
    available_only: bool = False
    """Go on without the clips that the lists name and the folder lacks; they are counted and named."""
    pool: str | None = None
    """A second data set `kind:folder` whose training clips serve as unlabeled pool."""
    pool_share: float = 0.5
    """Share of each transfer batch that comes from the pool."""
    low: float | None = None
    """array: value that becomes grey 0; default: from the training clips."""
    high: float | None = None
    """array: value that becomes grey 255; default: from the training clips."""

    def __post_init__(self) -> None:
        if not 0 <= self.test_share <= 1:
            raise FarviewError(
                f"data.test_share: {self.test_share} must be a share from 0 to 1 (1: all clips)"
            )
        for key in ("val_share", "pool_share"):
            if not 0 <= getattr(self, key) < 1:
                raise FarviewError(
                    f"data.{key}: {getattr(self, key)} must be a share from 0 up to, not including, 1"
                )
        if self.recognise not in ("action", "group"):
            raise FarviewError(f"data.recognise: {self.recognise!r}; expected action or group")
        if self.per_class is not None and self.per_class < 1:
            raise FarviewError(f"data.per_class: {self.per_class} must be at least 1")
        if self.distance < 1:
            raise FarviewError(
                f"data.distance: {self.distance} must be 1 (as recorded) or more, for example 2"
            )
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise FarviewError(f"data.low: {self.low} must be below data.high: {self.high}")

    @property
    def kind(self) -> str:
        """What stands before the first colon of `source`."""
        return self.source.partition(":")[0]

    @property
    def location(self) -> str:
        """What stands after the first colon of `source`: a folder, a file, or a seed (mime)."""
        return self.source.partition(":")[2]


@dataclass(frozen=True)
class AugmentConfig:
    """Section `augment` of a recipe: what varies from epoch to epoch (paper, Sec. IV-B).

    HR and eLR always get the same geometry. Nothing varies in validation and testing.
    """

    flip: bool = True
    """Mirror half of the videos left to right. Switch off where left and right tell classes apart."""
    scale: tuple[float, float] = (0.75, 1.0)
    """Scale jitter: side of the crop as a share of the frame's; above 1 the frame shrinks into black."""
    aspect: float = 0.0
    """Largest relative change of the crop's width to height, 0..0.5."""
    shift: float = 0.0
    """Location jitter beyond the frame, as a share of its sides; what comes in from outside is black."""
    gain: float = 0.0
    """Brightness jitter: grey levels of both videos are multiplied by one factor in 1-gain..1+gain."""
    fresh_noise: bool = False
    """Draw the sensor's noise anew each time that a clip is seen, in place of once for ever."""
    fresh_elr: bool = False
    """Make eLR frames anew of the varied HR frames each time that a clip is seen: the scene varies before the sensor,
    not what it saw after it. Other pixels' borders, fresh noise, and no blur that a test clip lacks."""

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0.1 <= low <= high <= 4:
            raise FarviewError(
                f"augment.scale: {list(self.scale)} must rise within 0.1..4; for example [0.75, 1.0]"
            )
        if not 0 <= self.aspect <= 0.5 or not 0 <= self.shift <= 1 or not 0 <= self.gain < 1:
            raise FarviewError("augment: aspect must be in 0..0.5, shift in 0..1 and gain in 0..1")
