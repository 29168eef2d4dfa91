"""What is needed to use a model: its network, its input, its class names. Torch-free, as deployment is."""

import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from safetensors import SafetensorError, safe_open

from farview.errors import FarviewError
from farview.frames.flow import FlowConfig
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.models.bundle import is_bundle, read_bundle

Backbone = Literal["resnet18", "resnet34", "r2plus1d18", "r2plus1d34"]
Stem = Literal["imagenet", "small", "tiny"]
Resolution = Literal["hr", "elr"]

FORMAT = 3  # of model files; raised when an older Farview could no longer read them
MOST_LEVELS = 8
"""Of a temporal pyramid: 128 parts, more than any clip has intervals."""
KEY = "farview"  # of the metadata; one key alone, as safetensors writes several in random order
RIVAL = "farview-rival"
"""The same of another method's model, which is neither T-Net nor S-Net."""
CONTRACT = "contract.json"  # in what `farview export` writes


@dataclass(frozen=True)
class NetworkConfig:
    """Section `network` of a recipe. Validated; raises FarviewError."""

    backbone: Backbone = "resnet34"
    """resnet: 2D, the frames of an interval stacked as channels; r2plus1d: 3D, space and time factorised."""
    width: int = 64
    """Channels of the first stage; the others have twice, four and eight times as many."""
    stem: Stem = "imagenet"
    """imagenet: 7x7, stride 2, then max-pool (as published); small: 5x5, stride 2; tiny: 3x3, stride 1."""
    differences: bool = False
    """resnet with several frames an interval: stack the first frame and the changes from frame to frame, instead
    of the frames. What moves then stands out from the first layer on, which matters where clips are few."""
    dropout: float = 0.0
    """Share of the video's features dropped before the class head in training."""
    pyramid: int = 1
    """Levels of the temporal pyramid: 1, the class head sees the whole video (the paper's); 2, its halves beside it;
    3, its quarters too, and so on. More than one tells what comes first."""

    def __post_init__(self) -> None:
        for key, kind in (("backbone", Backbone), ("stem", Stem)):
            if getattr(self, key) not in get_args(kind):
                expected = ", ".join(get_args(kind))
                raise FarviewError(f"network.{key} is {getattr(self, key)!r}; it must be one of {expected}")
        if not isinstance(self.width, int) or self.width < 1:
            raise FarviewError(f"network.width is {self.width!r}; it must be a whole number of at least 1")
        if not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise FarviewError(f"network.dropout is {self.dropout!r}; it must be at least 0 and below 1")
        if not isinstance(self.pyramid, int) or not 1 <= self.pyramid <= MOST_LEVELS:
            raise FarviewError(
                f"network.pyramid is {self.pyramid!r}; it must be a whole number from 1 to {MOST_LEVELS}"
            )


@dataclass(frozen=True)
class StudentNetwork:
    """Section `student_network` of a recipe: in what S-Net is not built as section `network` says."""

    backbone: Backbone | None = None
    """Default: as T-Net's."""
    width_factor: float = 1.0
    """S-Net's channels as a share of T-Net's; its multiply-adds fall with the square of it."""
    stem: Stem | None = None
    """Default: as T-Net's. With a native input (`input.elr_size`) tiny keeps its pixels apart."""

    def of(self, network: NetworkConfig) -> NetworkConfig:
        """S-Net where T-Net is `network`. Raises FarviewError where the factor gives no width."""
        width = round(self.width_factor * network.width) if 0 < self.width_factor < math.inf else 0
        if width < 1:
            raise FarviewError(
                f"student_network.width_factor: {self.width_factor} of network.width {network.width} is no "
                f"number of channels; expected 1/{network.width} or more"
            )
        return replace(
            network,
            backbone=self.backbone or network.backbone,
            width=width,
            stem=self.stem or network.stem,
        )


@dataclass(frozen=True)
class Contract:
    """All that a user of a model must know beside its weights; the metadata of a model file.

    Validated; raises FarviewError.
    """

    classes: tuple[str, ...]
    """Class names, in the order of the logits."""
    network: NetworkConfig
    channels: int
    """Of a frame: 3 (RGB) or 1 (grey, depth, thermal); 2 of flow."""
    input_size: tuple[int, int]
    """Height and width that frames are brought to."""
    resolution: Resolution
    """hr: the network sees the recording; elr: what `sensor` makes of it, up-sampled to `input_size`."""
    sensor: SensorModel | None
    """What makes eLR frames; None where the model has nothing to do with them."""
    intervals: Intervals
    """Which frames of a recording the network looks at."""
    mean: tuple[float, ...]
    """Per channel, of grey levels in 0..1: the network sees (x / 255 - mean) / std."""
    std: tuple[float, ...]
    """Per channel, above 0."""
    trained: dict[str, Any] = field(default_factory=dict)
    """How it was trained; values that JSON can hold."""
    accuracy: dict[str, Any] = field(default_factory=dict)
    """What was measured, on what; values that JSON can hold."""
    flow: FlowConfig | None = None
    """The network sees the motion between frames, made so; None: the frames themselves."""

    def __post_init__(self) -> None:
        if self.resolution not in get_args(Resolution):
            raise FarviewError(f"resolution is {self.resolution!r}; it must be hr or elr")
        if self.resolution == "elr" and self.sensor is None:
            raise FarviewError("sensor is missing; a model for eLR input needs the sensor that makes it")
        if not self.classes or not all(isinstance(name, str) for name in self.classes):
            raise FarviewError(f"classes are {self.classes!r}; expected one name or more")
        if self.channels not in ((1, 3) if self.flow is None else (2,)):
            raise FarviewError(f"channels is {self.channels!r}; it must be 1 or 3, of flow 2")
        if len(self.input_size) != 2 or min(self.input_size) < 1:
            raise FarviewError(f"input_size is {self.input_size!r}; expected a height and a width, in pixels")
        if not len(self.mean) == len(self.std) == self.channels or min(self.std) <= 0:
            raise FarviewError(
                f"mean {self.mean!r} and std {self.std!r} do not fit {self.channels} channel(s): expected as many "
                "numbers each, std above 0"
            )

    def to_json(self) -> str:
        """The contract as text; equal contracts give equal text."""
        values = {"format": 1} | asdict(self)
        # What came later is written where it is in use, so that an older Farview reads the other models.
        if self.flow is None:
            del values["flow"]
        else:
            values["format"] = 2
        if self.network.pyramid == 1:
            del values["network"]["pyramid"]
        else:
            values["format"] = 3
        return json.dumps(values, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Contract":
        """What `to_json` wrote. Raises FarviewError that names what is missing, unknown, wrong or too new."""
        try:
            values = json.loads(text)
            version = int(values.pop("format"))
            if version > FORMAT:
                raise FarviewError(
                    f"the model file has format {version}, this Farview reads formats up to {FORMAT}: "
                    "upgrade farview"
                )
            return cls(**_typed(values))
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            raise FarviewError(f"the model's metadata cannot be used: {error!r}") from None


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists and objects as the tuples and dataclasses of `Contract`."""
    known = {item.name for item in fields(Contract)}
    values = {"flow": None} | values
    if values.keys() != known:
        wrong = ", ".join(sorted(values.keys() ^ known))
        raise ValueError(f"missing or unknown: {wrong}")
    sensor, flow = values["sensor"], values["flow"]
    return values | {
        "network": NetworkConfig(**values["network"]),
        "sensor": None if sensor is None else SensorModel(**sensor),
        "intervals": Intervals(**values["intervals"]),
        "flow": None if flow is None else FlowConfig(**flow),
        **{key: tuple(values[key]) for key in ("classes", "input_size", "mean", "std")},
    }


def read_contract(path: Path | str) -> Contract:
    """The contract of a model file, or of what `farview export` made of it, without its weights and without PyTorch.

    Raises FarviewError where the file is missing, damaged, not Farview's or of a newer format.
    """
    if not Path(path).is_file():
        raise FarviewError(
            f"{path}: no such model; expected a .safetensors file that farview has written, or an exported one"
        )
    text = (
        read_bundle(path, CONTRACT)[CONTRACT].decode(errors="replace")
        if is_bundle(path)
        else _contract_text(path)
    )
    try:
        return Contract.from_json(text)
    except FarviewError as error:
        raise FarviewError(f"{path}: {error}") from None


def is_rival(path: Path | str) -> bool:
    """Whether a file holds another method's model. False where it cannot be read."""
    try:
        return RIVAL in _metadata(path)
    except FarviewError:
        return False


def _metadata(path: Path | str) -> dict[str, str]:
    """Of a `.safetensors` file."""
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise FarviewError(
            f"{path}: not a whole .safetensors file ({error}); copy or train the model again"
        ) from None


def _contract_text(path: Path | str) -> str:
    """The contract's text in a `.safetensors` file."""
    metadata = _metadata(path)
    if RIVAL in metadata:
        raise FarviewError(
            f"{path}: is a rival of Table V, which farview evaluate can measure; expected a T-Net or S-Net"
        )
    if KEY not in metadata:
        raise FarviewError(
            f"{path}: a .safetensors file, but not a Farview model (its metadata lack '{KEY}'); expected one "
            "that farview has written"
        )
    return metadata[KEY]
