"""A recipe: one YAML file that says how all networks are trained. Torch-free, so that help is quick."""

import difflib
import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

import farview
from farview.data.config import AugmentConfig, DataConfig
from farview.errors import FarviewError
from farview.frames.flow import FlowConfig
from farview.frames.intervals import Intervals
from farview.frames.reader import file_fingerprint
from farview.frames.sensor import SensorModel
from farview.models.contract import NetworkConfig, StudentNetwork
from farview.training.rival_words import apart, with_rival
from farview.transfer.config import TransferConfig

Phase = Literal["teacher", "student", "transfer"]
PHASES: tuple[Phase, ...] = ("teacher", "student", "transfer")
STORE = "~/.cache/farview/frames"
"""Default folder of the frame store."""


@dataclass(frozen=True)
class InputConfig:
    """Section `input`: from recordings to what the networks see."""

    size: tuple[int, int] = (256, 340)
    """Height and width of the HR frames and of the up-sampled eLR frames: the input of both networks."""
    elr_size: tuple[int, int] | Literal["native"] | None = None
    """Height and width that eLR frames are up-sampled to for S-Net, where not to `size`. native: the sensor's own."""
    sensor: SensorModel = SensorModel()
    """What makes the eLR frames."""
    intervals: Intervals = Intervals()
    """K intervals x n frames x stride."""
    stream: Literal["rgb", "flow"] = "rgb"
    """rgb: the networks see the frames (grey ones too); flow: the motion between them."""
    flow: FlowConfig = FlowConfig()
    """How that motion is found."""
    mean: tuple[float, ...] | None = None
    """Of frames, per channel, of grey levels in 0..1; default: ImageNet's for RGB, 0.45 for one channel."""
    std: tuple[float, ...] | None = None
    """Of frames, per channel; default: ImageNet's for RGB, 0.225 for one channel."""

    def __post_init__(self) -> None:
        height, width = self.sensor.height, self.sensor.width
        if isinstance(self.elr_size, tuple) and (self.elr_size[0] < height or self.elr_size[1] < width):
            raise FarviewError(
                f"input.elr_size: {list(self.elr_size)} is smaller than the sensor's {height}x{width} pixels; to see "
                "fewer set input.sensor.height and width"
            )

    @property
    def motion(self) -> FlowConfig | None:
        """How the flow that the networks see is made; None where they see frames."""
        return self.flow if self.stream == "flow" else None

    @property
    def student_size(self) -> tuple[int, int]:
        """Height and width of S-Net's input."""
        if self.elr_size == "native":
            return self.sensor.height, self.sensor.width
        return self.elr_size or self.size


@dataclass(frozen=True)
class PhaseConfig:
    """Sections `teacher`, `student` and `transfer`: how one network is trained. Defaults: the paper, Sec. IV-B."""

    epochs: int = 50
    batch: int = 256
    """Clips a step, over all processes."""
    micro_batch: int | None = None
    """Clips at once in one process; smaller ones are accumulated to `batch`. Default: `batch`."""
    optimizer: Literal["sgd", "adamw", "rmsprop"] = "sgd"
    lr: float = 0.001
    momentum: float = 0.9
    """Of SGD."""
    weight_decay: float = 0.0005
    schedule: Literal["step", "cosine"] = "step"
    """step: divided by 10 every `step` epochs; cosine: to 0 at the last step."""
    step: int = 20
    warmup: float = 5.0
    """Epochs in which the rate rises linearly from 0."""
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    """Largest norm of the gradient, if any."""
    freeze_norm: bool = False
    """BatchNorm keeps its statistics: then several processes equal one with the same global batch."""
    initial: str | None = None
    """Weights to start from: a Farview model, torchvision's ResNet `.pth`, mmaction2's R(2+1)D `.pth` (`{stream}` in
    its name stands for rgb or flow); `teacher` or `student` for the result of that phase (transfer starts from
    `student` by default)."""
    refit: bool = False
    """transfer that starts from T-Net: first bring the first convolution and BatchNorm's statistics to eLR input."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights become the model: best on the validation part, or the last one."""
    patience: int | None = None
    """Stop after so many epochs without a better validation."""

    def at_once(self, processes: int) -> int:
        """Clips that all processes together take at once."""
        return min(self.batch, (self.micro_batch or self.batch) * processes)


@dataclass(frozen=True)
class MachineConfig:
    """Section `machine`: where it runs. In one process it changes no result beyond float rounding, but for `precision`;
    several processes each draw their own dropout and, unless `freeze_norm` is set, have BatchNorm statistics of their
    own."""

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    strategy: str = "auto"
    """Lightning's: `ddp` for several GPUs or nodes, `ddp_spawn` for several processes on a CPU."""
    workers: int = 0
    """Processes that make batches, for each training process."""
    decoders: int = 2
    """Processes that build the frame store."""
    threads: int | None = None
    """CPU threads of PyTorch; default: PyTorch's own choice."""

    def __post_init__(self) -> None:
        for key in ("devices", "nodes"):
            if getattr(self, key) < 1:
                raise FarviewError(f"machine.{key}: {getattr(self, key)} must be at least 1")

    @property
    def processes(self) -> int:
        """That train together, over all nodes."""
        return self.devices * self.nodes


@dataclass(frozen=True)
class Recipe:
    """All that determines a run."""

    data: DataConfig
    input: InputConfig = InputConfig()
    augment: AugmentConfig = AugmentConfig()
    network: NetworkConfig = NetworkConfig()
    student_network: StudentNetwork = field(default_factory=StudentNetwork)
    teacher: PhaseConfig = PhaseConfig()
    student: PhaseConfig = PhaseConfig()
    transfer: PhaseConfig = field(default_factory=lambda: PhaseConfig(initial="student"))
    loss: TransferConfig = field(default_factory=TransferConfig)
    """Weights of the transfer (paper, Eq. 2 to 5)."""
    fusion: tuple[float, float] = (1.0, 1.0)
    """Weights of the class probabilities of an RGB and a flow network where both decide (table 5)."""
    rival: dict[str, Any] | None = None
    """Options of other methods: `width`, `descriptors`, `copies`, `fusion` and so on, for each row of table 5 that has
    them; with `method` (pot, isr, semi-coupled, multi-siamese, fully-coupled, i3d, purwanto) `farview train` trains
    that one in place of the phases."""
    phases: tuple[Phase, ...] = PHASES
    """Which phases to run, in order."""
    seed: int = 0
    out: str = "runs/train"
    """Folder of the results."""
    shared: str | None = None
    """Folder of the phases where several runs share them, each phase trained once; default: `phases` in `out`."""
    store: str = STORE
    """Folder of the decode-once frame store."""
    unreadable_share: float = 0.05
    """Training goes on without unreadable clips (and lists them) up to this share of the clips."""
    skip_unreadable: bool = False
    """Test without unreadable test clips instead of stopping at the first."""
    machine: MachineConfig = MachineConfig()

    def __post_init__(self) -> None:
        if not self.phases or [p for p in PHASES if p in self.phases] != list(self.phases):
            raise FarviewError(f"phases: {list(self.phases)}; expected some of {list(PHASES)}, in this order")
        check_fusion("fusion", self.fusion)
        if not 0 <= self.seed < 2**32:
            raise FarviewError(f"seed: {self.seed} must be a whole number from 0 to {2**32 - 1}")
        if not 0 <= self.unreadable_share <= 1:
            raise FarviewError(f"unreadable_share: {self.unreadable_share} must be a share from 0 to 1")
        for name in PHASES:
            check_phase(name, getattr(self, name))
        for name in self.phases:
            check_division(name, getattr(self, name), self.machine.processes)
        for key in ("fresh_noise", "fresh_elr"):
            if self.input.motion is not None and getattr(self.augment, key):
                raise FarviewError(
                    f"augment.{key}: flow is made once, of stored frames; leave it out with flow"
                )
        if self.augment.fresh_elr:
            try:
                self.input.sensor.refuse(*self.input.size)
            except FarviewError as error:
                raise FarviewError(f"augment.fresh_elr: of input.size {error}") from None
        check_comparable(self, self.network_of("student"))

    def network_of(self, phase: Phase) -> NetworkConfig:
        """How the network of a phase is built."""
        return self.network if phase == "teacher" else self.student_network.of(self.network)

    def input_size(self, phase: Phase) -> tuple[int, int]:
        """Height and width of what the network of a phase sees."""
        return self.input.size if phase == "teacher" else self.input.student_size


def check_phase(name: Phase, phase: PhaseConfig) -> None:
    """Raise where a value in a phase's section cannot work."""
    if phase.initial in PHASES[PHASES.index(name) :]:
        raise FarviewError(
            f"{name}.initial: {phase.initial}: is not trained before it; name a file of weights"
            + (f" or one of {', '.join(PHASES[: PHASES.index(name)])}" if name != "teacher" else "")
        )
    for key in ("epochs", "batch", "lr", "step", "clip_norm", "patience"):
        value = getattr(phase, key)
        if value is not None and not 0 < value < math.inf:
            raise FarviewError(f"{name}.{key}: {value} must be a number above 0")
    for key in ("weight_decay", "warmup"):
        if not 0 <= getattr(phase, key) < math.inf:
            raise FarviewError(f"{name}.{key}: {getattr(phase, key)} must be a number of at least 0")
    for key in ("momentum", "label_smoothing"):
        if not 0 <= getattr(phase, key) <= 1:
            raise FarviewError(f"{name}.{key}: {getattr(phase, key)} must be within 0 to 1")
    if phase.refit and (name != "transfer" or phase.initial in (None, "student")):
        raise FarviewError(
            f"{name}.refit: only the transfer has HR and eLR; set transfer.initial: teacher with it"
        )
    micro = phase.micro_batch
    if micro is not None and (micro <= 0 or phase.batch % micro):
        raise FarviewError(f"{name}.micro_batch: {micro} must divide {name}.batch ({phase.batch})")


def check_division(name: str, phase: PhaseConfig, processes: int) -> None:
    """Raise where the processes' shares of a batch would be unequal, or make up another batch."""
    if phase.batch % processes == 0 and phase.batch % phase.at_once(processes) == 0:
        return
    unit = (phase.micro_batch or 1) * processes
    raise FarviewError(
        f"{name}.batch: {phase.batch} does not divide among machine.devices x machine.nodes = {processes} processes"
        + (f" by {name}.micro_batch: {phase.micro_batch}" if phase.micro_batch else "")
        + f"; set {name}.batch to a multiple of {unit}, for example {-(-phase.batch // unit) * unit}"
    )


def check_comparable(recipe: Recipe, student: NetworkConfig) -> None:
    """Raise where a phase needs what an S-Net that is not built as T-Net cannot give."""
    teacher = recipe.network
    for name, own in (("student", "null"), ("transfer", "student")):
        if name in recipe.phases and getattr(recipe, name).initial == "teacher" and student != teacher:
            raise FarviewError(
                f"{name}.initial: teacher: T-Net's weights do not fit an S-Net that is built otherwise; set "
                f"{name}.initial: {own} or leave out student_network"
            )
    if "transfer" not in recipe.phases:
        return
    if recipe.loss.feature and student.width != teacher.width:
        raise FarviewError(
            f"loss.feature: compares features channel by channel, and S-Net has {student.width} where T-Net has "
            f"{teacher.width}; set loss.feature: 0 (loss.sat compares what the channels sum to) or "
            "student_network.width_factor: 1"
        )
    if recipe.transfer.refit and recipe.input.student_size != recipe.input.size:
        raise FarviewError(
            "transfer.refit: fits S-Net's first convolution to T-Net's, pixel by pixel, and their inputs differ in "
            "size; leave out transfer.refit or input.elr_size"
        )


def check_fusion(name: str, weights: Sequence[float]) -> None:
    """Raise FarviewError, naming the key or option, for weights of two streams that cannot be."""
    if not min(weights) >= 0 or not 0 < sum(weights) < math.inf:
        raise FarviewError(f"{name}: {list(weights)}; expected weights of at least 0, not both 0")


def digest(settings: Any) -> str:
    """12 hexadecimal digits that stand for `settings` (dataclasses, dicts, lists, numbers, texts)."""
    text = json.dumps(settings, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a digest")


def weights_files(initial: str | None, streams: Sequence[str]) -> list[Path]:
    """The file of first weights for each of `streams`, whose name takes the place of `{stream}`; none where `initial`
    names none.
    """
    if initial is None or initial in PHASES:
        return []
    return [Path(initial.replace("{stream}", stream)).expanduser() for stream in streams]


def weights_stamps(initial: str | None, streams: Sequence[str]) -> list[str]:
    """What changes with the size and time of these files; a file that is not there has no stamp."""
    return [file_fingerprint(path) for path in weights_files(initial, streams) if path.is_file()]


def check_weights(key: str, initial: str | None, streams: Sequence[str]) -> None:
    """Raise FarviewError where one of these files is not there; `key` is the recipe's that names them."""
    for path in weights_files(initial, streams):
        if not path.is_file():
            raise FarviewError(f"{key}: {path}: no such file of first weights; correct it or leave it out")


def parser() -> Any:
    """The recipe's command-line parser: `RECIPE` keys as `--section.key VALUE`, checked against the types above."""
    from jsonargparse import ArgumentParser

    result = ArgumentParser(prog="farview train", exit_on_error=False, description=Recipe.__doc__)
    result.add_argument("--recipe", action="config", help="YAML file")
    result.add_class_arguments(Recipe, fail_untyped=True)
    return result


def recipe_path(name: str | Path) -> Path:
    """A recipe's file: as given, or by its name (`mime`, `paper/resnet34`) among those that come with Farview.

    Raises `FarviewError` that lists the known names.
    """
    if Path(name).is_file():
        return Path(name)
    package = Path(farview.__file__).parent
    folders = [package / "recipes", package.parents[1] / "recipes"]  # installed, in a checkout
    known = {
        str(path.relative_to(folder).with_suffix("")): path
        for folder in folders
        for path in sorted(folder.rglob("*.yaml"))
    }
    if str(name) in known:
        return known[str(name)]
    raise FarviewError(f"{name}: no such recipe file, nor one that comes with Farview: {', '.join(known)}")


def read_recipe(path: str | Path | None, overrides: list[str] | None = None) -> Recipe:
    """The recipe in a YAML file with `--section.key VALUE` overrides; `--recipe` lays another recipe over it.

    Raises `FarviewError` that names the file and the key, with the nearest known key where one is unknown.
    """
    from jsonargparse import ArgumentError

    path = None if path is None else recipe_path(path)
    words, options = apart(overrides or [])
    arguments = ([] if path is None else [f"--recipe={path}"]) + located(words)
    try:
        parsed = parser()
        values = vars(parsed.instantiate(parsed.parse_args(arguments)))
        values["rival"] = with_rival(values["rival"], options)
        return Recipe(**{key: value for key, value in values.items() if key != "recipe"})
    except ArgumentError as error:
        where = path if path is not None and _refused(path) == str(error) else "command line"
        raise FarviewError(f"{where}: {plain_words(error)}{suggestion(str(error))}") from None
    except UnicodeDecodeError:
        raise FarviewError(f"{path}: not a text file; expected a recipe (YAML)") from None


def located(arguments: list[str]) -> list[str]:
    """The arguments, with recipes' files for the names that `--recipe` gives."""
    words = [
        part
        for word in arguments
        for part in (word.split("=", 1) if word.startswith("--recipe=") else [word])
    ]
    return [
        str(recipe_path(word)) if before == "--recipe" else word
        for before, word in zip(["", *words], words, strict=False)
    ]


def _refused(path: Path) -> str | None:
    """Why a recipe file is refused by itself, or None: then what is wrong was said on the command line."""
    from jsonargparse import ArgumentError

    try:
        parser().parse_args([f"--recipe={path}"])
    except ArgumentError as error:
        return str(error)
    return None


def plain_words(error: Exception) -> str:
    """The parser's message in one line, without the names that Python has for types."""
    text = re.sub(r"Parser key \"([\w.]+)\":", r"\1:", one_line(error))
    several = (
        r"Does not validate against any of the Union subtypes Subtypes: \[(.*)\] Errors: .* Given value: "
    )
    text = re.sub(several, r"expected one of: \1. Got value: ", text)
    text = re.sub(r"Expected a <class '(\w+)'>", r"expected a value of type \1", text)
    text = text.replace("Expected a typing.Literal", "expected one of typing.Literal")
    text = re.sub(r"typing\.Literal\[([^]]*)\]", r"\1", text)
    return text.replace("a value of type tuple", "a list such as [12, 16]").replace(
        "<class 'NoneType'>", "null"
    )


def one_line(error: Exception) -> str:
    """A library's message without its line breaks."""
    return " ".join(str(error).split())


def known_keys(kind: type = Recipe, prefix: str = "") -> list[str]:
    """Every `section.key` of a recipe."""
    keys = []
    for item in fields(kind):
        keys.append(prefix + item.name)
        if is_dataclass(item.type) and isinstance(item.type, type):
            keys += known_keys(item.type, f"{prefix}{item.name}.")
    return keys


def suggestion(message: str) -> str:
    """`; did you mean 'student.lr'?` where the message complains of a key that is nearly a known one."""
    unknown = re.search(r"unrecognized arguments: --([\w.]+)", message)
    within = re.search(r"(?:Group '([\w.]+)' )?does not accept (?:option|nested key) '([\w.]+)'", message)
    if unknown:
        wrong = unknown[1]
    elif within:
        wrong = ".".join(part for part in within.groups() if part)
    else:
        return ""
    near = difflib.get_close_matches(wrong, known_keys(), n=1)
    return f"; did you mean '{near[0]}'?" if near else "; `farview train --help` lists the keys"
