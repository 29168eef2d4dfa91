"""Train a rival on a recipe's clips and write what the phases of a network write."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from farview import __version__
from farview.data.clip import Clip
from farview.errors import FarviewError
from farview.frames.store import FrameStore
from farview.models.model_file import load_model
from farview.rivals.frame_network import FrameNetwork
from farview.rivals.isr import IsrConfig, train_isr
from farview.rivals.network import StreamsConfig
from farview.rivals.network_file import RivalModel, save_rival
from farview.rivals.pot import PotConfig, PotModel, labels_of, train_pot
from farview.rivals.pot_file import save_pot
from farview.rivals.train import check_first_weights, predict_network, stores_of, train_network
from farview.training.data import Prepared, prepare
from farview.training.evaluation import Predictions
from farview.training.metrics import accuracy
from farview.training.phases import (
    MODEL,
    PREDICTIONS,
    check_inputs,
    needs,
    phase_folders,
    reading,
    run_phase,
    write_predictions,
)
from farview.training.processor import device_of
from farview.training.recipe import Phase, Recipe, digest, weights_stamps

RivalConfig = PotConfig | StreamsConfig
"""Options of a rival; their class says which one it is (ISR's are PoT's and more)."""


def run_rival(
    recipe: Recipe, config: RivalConfig, clips: Prepared | None = None, quiet: bool = False
) -> Path:
    """The folder with the model, its predictions and figures; trained unless it is there already.

    Takes the recipe's data, sensor, seed and store, where the rival learns from HR its HR size (`input.size`), and
    for a network how S-Net is trained (`student`, for a teacher `teacher`) and what varies (`augment`); learns from
    the same training clips as the recipe's networks. What it builds on (`phases_before`) is trained first. `clips` are
    those of `prepare_rival` where they are there already. A network whose training was cut goes on from its last epoch.
    """
    check_rival(recipe, config)
    clips = clips or prepare_rival(recipe, config, quiet)
    folder = rival_folder(recipe, config, clips)
    if not (folder / MODEL).is_file():
        # Before the lock: the processes of a distributed run train these together.
        folders = folders_before(recipe, config, clips)
        for name in folders:
            run_phase(recipe, name, clips, folders, quiet)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if (folder / MODEL).is_file():
            if not quiet:
                print(f"{config.method:8} done before: {folder}", flush=True)
        elif isinstance(config, StreamsConfig):
            _run_network(recipe, config, clips, folder, quiet)
        else:
            _run_machine(recipe, config, clips, folder, quiet)
    return folder


def prepare_rival(recipe: Recipe, config: RivalConfig, quiet: bool = False) -> Prepared:
    """The recipe's data, with HR frames for a rival that learns from them."""
    return prepare(replace(recipe, phases=phases_read(recipe, config)), quiet)


def phases_read(recipe: Recipe, config: RivalConfig) -> tuple[Phase, ...]:
    """The phases whose frames a rival needs, its own and those before it: T-Net's are HR frames."""
    return ("teacher", "student") if config.uses_hr else phases_before(recipe, config) or ("student",)


def check_rival(recipe: Recipe, config: RivalConfig) -> None:
    """Raise FarviewError where a rival cannot be trained by a recipe, before anything is."""
    if recipe.augment.fresh_elr:
        raise FarviewError("augment.fresh_elr: a rival sees stored frames; leave it out")
    if recipe.input.motion is not None:
        raise FarviewError(
            "input.stream: flow; a rival takes frames and finds their flow itself: set it to rgb"
        )
    if isinstance(config, StreamsConfig):
        check_first_weights(recipe, config)
    elif before := phases_before(recipe, config):
        check_inputs(replace(recipe, phases=before))
    elif recipe.student.initial is not None:
        raise FarviewError(f"student.initial: {config.method} has no weights to start from; leave it out")


def phases_before(recipe: Recipe, config: RivalConfig) -> tuple[Phase, ...]:
    """The phases of the recipe's networks that a rival builds on, in order: of the descriptor cnn S-Net."""
    if isinstance(config, StreamsConfig) or not config.uses_network:
        return ()
    return (*needs(recipe, "student"), "student")


def folders_before(recipe: Recipe, config: RivalConfig, clips: Prepared) -> dict[Phase, Path]:
    """Where these lie."""
    before = phases_before(recipe, config)
    return phase_folders(replace(recipe, phases=before), clips) if before else {}


def rival_folder(recipe: Recipe, config: RivalConfig, clips: Prepared) -> Path:
    """Beside the phases of the recipe's networks; the name's digest covers all that the model depends on."""

    def of(listed: Sequence[Clip]) -> list[Any]:
        return [(clip.id, clip.label, clip.group, clip.source.fingerprint()) for clip in listed]

    settings: dict[str, Any] = {
        "options": config,
        "classes": clips.data.classes,
        "train": of(clips.train),
        "val": of(clips.val),
        "test": of(clips.test),
        "sensor": recipe.input.sensor,
    }
    if before := folders_before(recipe, config, clips):
        settings["network"] = before["student"].name
    if config.uses_hr:
        settings |= {"size": recipe.input.size, "seed": recipe.seed}
    if isinstance(config, StreamsConfig):
        if "flow" in config.streams:
            settings["flow"] = recipe.input.flow
        augment = asdict(recipe.augment)
        del augment["fresh_elr"]  # which no rival has
        settings |= {"seed": recipe.seed, "augment": augment, "precision": recipe.machine.precision}
        settings["training"] = [getattr(recipe, section) for section in config.sections]
        stamps = [
            stamp for phase in settings["training"] for stamp in weights_stamps(phase.initial, config.streams)
        ]
        if stamps:
            settings["initial"] = stamps
    shared = Path(recipe.shared or f"{recipe.out}/phases").expanduser()
    return shared / f"{config.method}-{digest(settings)}"


def _run_machine(recipe: Recipe, config: PotConfig, clips: Prepared, folder: Path, quiet: bool) -> None:
    """A support vector machine: trained whole or not at all."""
    network = _frame_network(recipe, config, clips)
    started = time.perf_counter()
    if isinstance(config, IsrConfig):
        model = train_isr(recipe, config, clips, network, quiet)
    else:
        model = train_pot(recipe, config, clips, network, quiet)
    seconds = time.perf_counter() - started
    trained = _how(recipe, config, clips, seconds) | {"c": model.svm.c, **model.trained}
    measured = finish(
        config, lambda listed: predict(model, listed, clips.store), clips, folder, seconds, quiet
    )
    save_pot(folder / MODEL, replace(model, trained=trained, accuracy=measured))


def _frame_network(recipe: Recipe, config: PotConfig, clips: Prepared) -> FrameNetwork | None:
    """The recipe's trained S-Net, where it trains; None where no descriptor is a network's."""
    folders = folders_before(recipe, config, clips)
    if not folders:
        return None
    network, contract = load_model(folders["student"] / MODEL)
    return FrameNetwork(network.to(device_of(recipe.machine)), contract)


def _run_network(recipe: Recipe, config: StreamsConfig, clips: Prepared, folder: Path, quiet: bool) -> None:
    """A network: goes on where it was cut."""
    stores = stores_of(recipe, clips, config, hr=config.uses_hr_flow, quiet=quiet)
    network, seconds = train_network(recipe, config, clips, stores, folder, quiet)
    device = device_of(recipe.machine)

    def predicted(listed: Sequence[Clip]) -> Predictions:
        return predict_network(network, config, listed, stores, device=device)

    trained = _how(recipe, config, clips, seconds) | {
        "training": {section: asdict(getattr(recipe, section)) for section in config.sections},
        "augment": asdict(recipe.augment),
    }
    measured = finish(config, predicted, clips, folder, seconds, quiet)
    model = RivalModel(
        network=network,
        config=config,
        classes=clips.data.classes,
        channels=clips.channels,
        sensor=recipe.input.sensor,
        flow=recipe.input.flow,
        trained=trained,
        accuracy=measured,
    )
    save_rival(folder / MODEL, model)


def _how(recipe: Recipe, config: RivalConfig, clips: Prepared, seconds: float) -> dict[str, Any]:
    """How a model was trained, for its file."""
    return {
        "method": config.method,
        "farview": __version__,
        "data": asdict(recipe.data) | reading(clips.train[0].source),
        "options": asdict(config),
        "seed": recipe.seed,
        "clips": len(clips.train),
        "seconds": round(seconds, 3),
    }


def finish(
    config: RivalConfig,
    predicted: Callable[[Sequence[Clip]], Predictions],
    clips: Prepared,
    folder: Path,
    seconds: float,
    quiet: bool,
) -> dict[str, Any]:
    """Write what a trained model predicts of the validation and test clips; its figures on each."""
    measured: dict[str, Any] = {}
    for part, listed in (("validation", clips.val), ("test", clips.test)):
        if listed:
            found = predicted(listed)
            write_predictions(folder / f"{part}-{PREDICTIONS}", found, clips.data.classes)
            measured[part] = asdict(accuracy(found.logits, found.labels, found.interval_logits))
    if not quiet:
        shown = ", ".join(f"{part} prec@1 {figures['prec1']:.1f}" for part, figures in measured.items())
        print(f"{config.method:8} {shown} ({seconds:.0f} s)", flush=True)
    return measured


def predict(model: PotModel | RivalModel, clips: Sequence[Clip], store: FrameStore) -> Predictions:
    """Whole clips of at least one; a clip is one interval, its features are the pooled vector (a network's: logits)."""
    logits, vectors = model.logits(store.elr(clip.source) for clip in clips)
    found = torch.from_numpy(logits).float()
    return Predictions(
        clips=tuple(clip.id for clip in clips),
        labels=torch.from_numpy(labels_of(clips)),
        logits=found,
        interval_logits=found[:, None],
        features=torch.from_numpy(vectors),
        attention=torch.ones(len(clips), 1),
    )
