"""What figures are made of: the networks of a run, or one model by itself, and the clips they were tested on."""

import filecmp
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from farview.data.clip import Clip, DataSet, Part
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.errors import FarviewError
from farview.experiments.evaluate import relabel, trained_part
from farview.experiments.explain import settings
from farview.experiments.insight import read_extractor
from farview.experiments.results import scores_on_test
from farview.frames.source import Source
from farview.frames.store import FrameStore
from farview.models.contract import Contract
from farview.models.recogniser import Recogniser, Recognition
from farview.training.phases import MODEL, NAMES, PREDICTIONS
from farview.training.recipe import PHASES, STORE, Phase, Recipe, read_recipe
from farview.transfer.config import TransferConfig
from farview.transfer.learned import Extractor


@dataclass(frozen=True)
class Example:
    """A clip that a figure shows."""

    name: str
    """Its id in the data set, or its path."""
    source: Source
    label: int | None
    """Index into the networks' classes; None where it is not known."""
    title: str
    """Its class, or the name of its file."""


@dataclass(frozen=True)
class Subject:
    """Networks with what the figures ask of them."""

    place: Path
    """As the user named it."""
    networks: dict[Phase, Recogniser]
    files: dict[Phase, Path]
    folders: dict[Phase, Path]
    """Where a phase keeps its predictions and checkpoint, as far as that is still there."""
    store: Path
    """Folder of the frame store."""
    part: Part
    """Which clips of the data are shown."""
    _made: dict[tuple[Phase, str], Recognition] = field(default_factory=dict)

    @property
    def contract(self) -> Contract:
        """Of a student where there is one: T-Net has the same classes, intervals and channels, but knows the sensor
        of the run that trained it, which may be another one."""
        return self.networks.get(self.student, next(iter(self.networks.values()))).contract

    @property
    def aspect(self) -> tuple[int, int]:
        """Height and width of the window that the sensor sees, as small numbers."""
        sensor = self.contract.sensor
        return (sensor.height, sensor.width) if sensor else (3, 4)

    @property
    def student(self) -> Phase:
        """The best network for eLR frames that there is."""
        return "transfer" if "transfer" in self.networks else "student"

    @cached_property
    def loss(self) -> TransferConfig:
        """How the transfer was done; without one no confidence map was in use."""
        return settings(self.networks.get("transfer") or next(iter(self.networks.values())))

    @cached_property
    def extractor(self) -> Extractor | None:
        """Of the MLP map, where the run used one and its last checkpoint is there."""
        if "transfer" not in self.folders:
            return None
        return read_extractor(self.folders["transfer"], self.loss, self.contract.channels)

    @cached_property
    def data(self) -> DataSet:
        """The data set that the networks learned from. Raises FarviewError where it is not there."""
        trained = self.contract.trained.get("data")
        if trained is None:
            raise FarviewError(
                f"{self.place}: does not tell what it was trained on; name clips to show by --clips"
            )
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in trained.items()}
        return open_data(DataConfig(**plain))

    @cached_property
    def clips(self) -> tuple[Clip, ...]:
        """The labelled clips of the part, labels as indices into the networks' classes, without unreadable ones."""
        if self.part == "test":
            clips, tested = self.data.part("test"), self.tested()
            clips = clips if tested is None else tuple(clip for clip in clips if clip.id in tested)
        else:
            learned = self.data.part("train") + self.data.part("val")
            unreadable = self.frame_store().build([clip.source for clip in learned])
            clips = trained_part(self.data, self.part, self.contract, unreadable)
        if not clips:
            raise FarviewError(f"{self.data.name}: the part '{self.part}' has no clips to show; take --clips")
        return tuple(relabel(self.data, clips, self.contract))

    def tested(self) -> set[str] | None:
        """Ids of the test clips that the run could read; None where its predictions are not there."""
        for folder in self.folders.values():
            if (folder / f"test-{PREDICTIONS}").is_file():
                return set(scores_on_test(folder).clips)
        return None

    def recognise(self, phase: Phase, example: Example) -> Recognition:
        """What a network makes of a clip; done once. Raises FarviewError where it cannot see it."""
        key = phase, example.name
        if key not in self._made:
            made = self.networks[phase].recognise(example.source)
            if phase == "teacher" and self.is_elr(made):
                raise FarviewError(f"{example.name}: is eLR already; T-Net needs the HR recording")
            self._made[key] = made
        return self._made[key]

    def is_elr(self, made: Recognition) -> bool:
        """Whether a recording has the sensor's few pixels already."""
        return made.frames.shape[2:4] == self.aspect

    def frame_store(self) -> FrameStore:
        """eLR frames (or flow) as the students were tested on them."""
        return FrameStore(self.store, self.contract.sensor, None, aspect=self.aspect, flow=self.contract.flow)


def open_subject(place: str | Path, part: Part = "test", store: str | Path | None = None) -> Subject:
    """A run's folder or a model file. Raises FarviewError where it is neither, or its networks do not belong together.

    `store` is the folder of the frame store; default: the run's.
    """
    path = Path(place).expanduser()
    if path.is_dir():
        return open_run(path, part, store)
    network = Recogniser(path)
    alone: Phase = "teacher" if network.contract.resolution == "hr" else "student"
    phase: Phase = network.contract.trained.get("phase") or alone
    return Subject(path, {phase: network}, {phase: path}, {}, Path(store or STORE).expanduser(), part)


def open_run(folder: Path, part: Part, store: str | Path | None) -> Subject:
    """The networks in a run's folder."""
    if not (folder / "recipe.yaml").is_file():
        raise FarviewError(
            f"{folder}: holds no run (recipe.yaml); name a folder that farview train or demo wrote, or a model"
        )
    recipe = read_recipe(folder / "recipe.yaml")
    if recipe.rival:
        raise FarviewError(
            f"{folder}: a run of the rival {recipe.rival.get('method')}; the figures are those of T-Net and S-Net"
        )
    named = {phase: folder / f"{NAMES[phase]}.safetensors" for phase in PHASES if phase in recipe.phases}
    files = {phase: path for phase, path in named.items() if path.is_file()}
    if not files:
        raise FarviewError(
            f"{folder}: holds no model yet; finish the run by: farview train {folder / 'recipe.yaml'}"
        )
    networks = {phase: Recogniser(path) for phase, path in files.items()}
    refuse_strangers(folder, networks)
    found = {phase: phase_folder(recipe, folder, phase, path) for phase, path in files.items()}
    folders = {phase: path for phase, path in found.items() if path is not None}
    return Subject(folder, networks, files, folders, Path(store or recipe.store).expanduser(), part)


def refuse_strangers(folder: Path, networks: dict[Phase, Recogniser]) -> None:
    """Raise where networks cannot be of one run: a later run into the same folder was cut."""
    contracts = {phase: network.contract for phase, network in networks.items()}
    students = [contract for phase, contract in contracts.items() if phase != "teacher"]
    everyone = list(contracts.values())
    # T-Net sees no eLR frames: runs with other sensors share it, and it names the first one's.
    for name, those in (
        *((name, everyone) for name in ("classes", "channels", "intervals")),
        ("sensor", students),
    ):
        if any(getattr(contract, name) != getattr(those[0], name) for contract in those):
            raise FarviewError(
                f"{folder}: its models differ in {name}, so they are of two runs; finish the later one by: "
                f"farview train {folder / 'recipe.yaml'}"
            )


def phase_folder(recipe: Recipe, folder: Path, phase: Phase, model: Path) -> Path | None:
    """Where a phase was trained: the folder that holds the very same model; None where that is gone.

    Found by content, since what a phase's digest covers (clips, settings) may have changed since.
    """
    shared = Path(recipe.shared).expanduser() if recipe.shared else folder / "phases"
    for path in sorted(shared.glob(f"{NAMES[phase]}-*/{MODEL}")):
        if filecmp.cmp(path, model, shallow=False):
            return path.parent
    return None
