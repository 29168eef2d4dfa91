"""Run a recipe: teacher, student, transfer; each phase once, resumed where it was cut."""

import csv
import io
import json
import os
import shutil
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import lightning as L
import torch
import yaml
from filelock import FileLock, Timeout
from lightning.pytorch.loggers import TensorBoardLogger
from safetensors.torch import load_file

from farview import __version__
from farview.data.clip import Clip
from farview.errors import FarviewError
from farview.frames.arrays import ArrayFrames
from farview.frames.files import atomic_write
from farview.frames.flow import STILL
from farview.frames.source import Source
from farview.models.contract import Contract
from farview.models.model_file import load_model, save_model
from farview.models.network import ActionNetwork, check_size
from farview.models.weights import load_initial
from farview.training.calibration import calibrate
from farview.training.checkpoint import LAST, WEIGHTS, AtomicCheckpoints, Keeper, seconds_of
from farview.training.data import PhaseData, Prepared, pace, prepare
from farview.training.evaluation import Predictions, predict_clips
from farview.training.metrics import accuracy
from farview.training.module import NetworkTraining, Training, TransferTraining
from farview.training.processor import device_of, laid_out, refuse_unsound, settle
from farview.training.recipe import (
    Phase,
    PhaseConfig,
    Recipe,
    check_weights,
    digest,
    weights_files,
    weights_stamps,
)
from farview.training.refit import refit_start
from farview.transfer.total import TransferLoss

FLOW_STD = (0.1, 0.1)
MODEL, PREDICTIONS = "model.safetensors", "predictions.csv"
NAMES: dict[Phase, str] = {"teacher": "teacher", "student": "student", "transfer": "cstat"}
"""What the model of each phase is called in the run's folder and in `results.json`."""


@dataclass(frozen=True)
class Run:
    """A finished run."""

    recipe: Recipe
    clips: Prepared
    models: dict[Phase, Path]
    """The model file of each phase that ran."""
    folders: dict[Phase, Path]
    """Where each phase keeps its history, checkpoint, predictions and model."""


def run(recipe: Recipe, quiet: bool = False) -> Run:
    """Train every phase of the recipe that is not done yet and evaluate it on the test clips.

    Each phase has a folder `phases/NAME-DIGEST` whose digest covers all its inputs; a phase whose folder holds
    a model is skipped, one that was cut goes on from its last epoch, and one whose inputs changed gets a
    new folder beside the old one.
    """
    quiet = quiet or not leads()
    check_inputs(recipe)
    clips = prepare(recipe, quiet)
    if not quiet:
        print(said(clips), flush=True)
    out = Path(recipe.out).expanduser()
    if leads():
        write_yaml(out / "recipe.yaml", asdict(recipe))
    folders = phase_folders(recipe, clips)
    models: dict[Phase, Path] = {}
    for name in recipe.phases:
        run_phase(recipe, name, clips, folders, quiet)
        models[name] = out / f"{NAMES[name]}.safetensors"
        if leads():
            with atomic_write(models[name]) as target, (folders[name] / MODEL).open("rb") as source:
                shutil.copyfileobj(source, target)
    return Run(recipe, clips, models, folders)


def said(clips: Prepared) -> str:
    """How the clips were divided, in a line."""
    return (
        f"{clips.data.name}: {len(clips.data.classes)} classes; {len(clips.train)} clips to train, "
        f"{len(clips.val)} to validate, {len(clips.test)} to test"
        + (f", {len(clips.pool)} unlabeled" if clips.pool else "")
    )


def check_inputs(recipe: Recipe) -> None:
    """Raise FarviewError, before anything is decoded or trained, where the input of a phase's network is too small
    for it, or its file of first weights is not there.
    """
    for name in recipe.phases:
        check_weights(f"{name}.initial", getattr(recipe, name).initial, [recipe.input.stream])
        check_size(recipe.network_of(name), *recipe.input_size(name))


def run_phase(
    recipe: Recipe, name: Phase, clips: Prepared, folders: dict[Phase, Path], quiet: bool = False
) -> None:
    """Train one phase unless its folder holds a model; a second run waits for the first one's result.

    Raises FarviewError where this is one process of several that `torchrun` or the engine started: the others have
    begun to train, and would wait for ever for a leading process that waits and then skips.
    """
    folder = folders[name]
    folder.mkdir(parents=True, exist_ok=True)
    # The processes of one distributed run work on a phase together; only runs wait for one another.
    with alone(folder) if leads() else nullcontext():
        if not (folder / MODEL).is_file():
            train_phase(recipe, name, clips, folders, quiet)
        elif not quiet:
            print(f"{NAMES[name]:8} done before: {folder}", flush=True)
    wait_for(folder / MODEL)


def alone(folder: Path) -> AbstractContextManager:
    """Keeps other runs away from a phase's folder; waits for one that has it, or raises as `run_phase` says."""
    together = int(os.environ.get("WORLD_SIZE", 1)) > 1
    try:
        return FileLock(folder / "lock", timeout=0 if together else -1).acquire()
    except Timeout:
        raise FarviewError(f"{folder}: another run trains this phase; start again when it is done") from None


def leads() -> bool:
    """Whether this process writes results: the first of a distributed run, or the only one."""
    return not any(int(os.environ.get(key, 0)) for key in ("RANK", "LOCAL_RANK", "NODE_RANK"))


def wait_for(path: Path) -> None:
    """Until the leading process of a distributed run has written a file; raises where what started us is gone."""
    parent = os.getppid()
    while not path.is_file():
        if os.getppid() != parent:
            raise FarviewError(f"{path}: the leading process ended before it was written")
        time.sleep(0.1)


def phase_folders(recipe: Recipe, clips: Prepared) -> dict[Phase, Path]:
    """Where each phase keeps its history, checkpoint, predictions and model: the same for the same inputs."""
    shared = Path(recipe.shared or f"{recipe.out}/phases").expanduser()
    return {name: shared / f"{NAMES[name]}-{digest}" for name, digest in phase_digests(recipe, clips).items()}


def phase_digests(recipe: Recipe, clips: Prepared) -> dict[Phase, str]:
    """What stands for all the inputs of each phase: clips, settings and the phases it builds on."""

    def of(listed: tuple[Clip, ...]) -> list[Any]:
        return [(clip.id, clip.label, clip.source.fingerprint()) for clip in listed]

    # Keys that came later join a digest only where they are in use, so that runs made before them are still found.
    augment, seen = asdict(recipe.augment), asdict(recipe.input)
    fresh = [key for key in ("fresh_noise", "fresh_elr") if augment.pop(key)]  # T-Net sees no eLR frames
    del seen["elr_size"]  # nor eLR frames
    del seen["stream"], seen["flow"]
    shared = {
        "classes": clips.data.classes,
        "train": of(clips.train),
        "val": of(clips.val),
        "test": of(clips.test),
        "intervals": recipe.input.intervals,
        "input": seen,
        "augment": augment,
        "seed": recipe.seed,
        "precision": recipe.machine.precision,
    }
    result: dict[Phase, str] = {}
    for name in recipe.phases:
        network = asdict(recipe.network_of(name))
        if network["pyramid"] == 1:
            del network["pyramid"]
        settings = {**shared, "phase": name, "training": getattr(recipe, name), "network": network}
        if name == "teacher":
            settings["input"] = {
                **seen,
                "sensor": None,
            }  # HR shows the sensor's window, and depends on no more of it
            sensor = recipe.input.sensor
            if (window := Fraction(sensor.height, sensor.width)) != Fraction(3, 4):
                settings["window"] = str(window)
        else:
            settings |= dict.fromkeys(fresh, True)
        if recipe.machine.processes > 1 and not getattr(recipe, name).freeze_norm:
            settings["processes"] = recipe.machine.processes  # each has norms of its own
        if stamps := weights_stamps(getattr(recipe, name).initial, [recipe.input.stream]):
            settings["initial"] = stamps
        if recipe.input.motion is not None:
            settings["flow"] = recipe.input.motion
        if recipe.input_size(name) != recipe.input.size:
            settings["elr_size"] = recipe.input_size(name)
        if name == "transfer":
            settings |= {"loss": recipe.loss, "pool": of(clips.pool), "pool_share": recipe.data.pool_share}
        settings["before"] = [result[other] for other in needs(recipe, name) if other in result]
        result[name] = digest(settings)
    return result


def needs(recipe: Recipe, name: Phase) -> list[Phase]:
    """The phases whose models a phase starts from or learns from."""
    before: list[Phase] = ["teacher"] if name == "transfer" else []
    initial = getattr(recipe, name).initial
    return [*before, initial] if initial in ("teacher", "student") else before


def train_phase(
    recipe: Recipe, name: Phase, clips: Prepared, folders: dict[Phase, Path], quiet: bool = False
) -> None:
    """Train one phase and write its model, predictions and figures into its folder."""
    settle(recipe.machine)
    phase: PhaseConfig = getattr(recipe, name)
    folder = folders[name]
    models = {other: where / MODEL for other, where in folders.items() if (where / MODEL).is_file()}
    missing = [other for other in needs(recipe, name) if other not in models]
    if missing:
        raise FarviewError(f"{name}: needs the phase '{missing[0]}'; add it to `phases`")
    contract = contract_of(recipe, name, clips)
    torch.manual_seed(recipe.seed)
    network = build_network(contract)
    laid_out(network)
    initial = phase.initial
    if initial is not None:
        start = models[initial] if initial in models else weights_files(initial, [recipe.input.stream])[0]
        report = load_initial(network, start)
        if not quiet and initial not in models:
            print(f"{NAMES[name]:8} starts from {start}: {report}", flush=True)
    if phase.refit:
        refit_start(network, contract, clips, recipe.seed)
    module: NetworkTraining
    if name == "transfer":
        teacher, taught = load_model(models["teacher"])
        loss = TransferLoss(recipe.loss, clips.channels)
        module = TransferTraining(network, contract, phase, recipe.seed, teacher, loss, taught.input_size)
    else:
        module = NetworkTraining(network, contract, phase, recipe.seed)
    pool = name == "transfer"
    hr = name == "teacher" or (pool and bool(recipe.loss.uses_teacher or clips.pool))
    data = PhaseData(clips, recipe, phase, hr=hr, elr=name != "teacher", pool=pool)
    fit(recipe, phase, module, data, Keeper(folder, NAMES[name], phase, quiet))
    if not leads():
        return  # one process writes the result
    network.load_state_dict(load_file(folder / WEIGHTS))
    finish(recipe, name, clips, network, contract, folder, quiet)


def fit(recipe: Recipe, phase: PhaseConfig, module: Training, data: PhaseData, keeper: Keeper) -> None:
    """Let the engine train, or go on where an earlier call was cut."""
    machine = recipe.machine
    refuse_unsound(machine, module)
    keeper.folder.mkdir(parents=True, exist_ok=True)
    world = machine.processes
    module.steps_per_epoch = data.steps_per_epoch(world)
    trainer = L.Trainer(
        max_epochs=phase.epochs,
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.nodes,
        precision=machine.precision,
        strategy=machine.strategy,
        accumulate_grad_batches=data.accumulate(world),
        gradient_clip_val=phase.clip_norm,
        callbacks=[keeper],
        logger=TensorBoardLogger(keeper.folder, name="", version=""),
        plugins=[AtomicCheckpoints()],
        enable_checkpointing=False,
        enable_progress_bar=sys.stderr.isatty() and not keeper.quiet,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
    )
    last = keeper.folder / LAST
    try:
        trainer.fit(module, data, ckpt_path=str(last) if last.is_file() else None)
    except SystemExit:  # what the engine makes of Ctrl-C
        raise KeyboardInterrupt from None


def finish(
    recipe: Recipe,
    name: Phase,
    clips: Prepared,
    network: ActionNetwork,
    contract: Contract,
    folder: Path,
    quiet: bool,
) -> None:
    """Measure the trained network, write its predictions, then its model file, which marks the phase as done."""
    measured: dict[str, Any] = {}
    device, seconds = device_of(recipe.machine), seconds_of(folder)
    live: dict[str, Any] = {"pace": pace(clips.train, clips.store)}
    for part, listed in (("validation", clips.val), ("test", clips.test)):
        if listed:
            predictions = predict_clips(network, contract, listed, clips.store, device=device)
            write_predictions(folder / f"{part}-{PREDICTIONS}", predictions, contract.classes)
            measured[part] = asdict(
                accuracy(predictions.logits, predictions.labels, predictions.interval_logits)
            )
            if part == "validation":
                scores = predictions.logits.double().softmax(1).numpy()
                live["calibration"] = asdict(calibrate(scores, predictions.labels.numpy()))
    trained = {**contract.trained, "seconds": round(seconds, 1), **live}
    save_model(folder / MODEL, network.cpu(), replace(contract, trained=trained, accuracy=measured))
    if not quiet:
        shown = ", ".join(f"{part} prec@1 {figures['prec1']:.1f}" for part, figures in measured.items())
        print(f"{NAMES[name]:8} {shown} ({seconds:.0f} s)", flush=True)


def contract_of(recipe: Recipe, name: Phase, clips: Prepared) -> Contract:
    """What the model of a phase promises about its input, and how it was made."""
    mean, std = normalisation(recipe, clips.channels)
    return Contract(
        classes=clips.data.classes,
        network=recipe.network_of(name),
        channels=clips.channels,
        input_size=recipe.input_size(name),
        resolution="hr" if name == "teacher" else "elr",
        sensor=recipe.input.sensor,
        intervals=recipe.input.intervals,
        mean=mean,
        std=std,
        trained={
            "phase": name,
            "farview": __version__,
            "data": asdict(recipe.data) | reading(clips.train[0].source),
            "training": asdict(getattr(recipe, name)),
            "augment": asdict(recipe.augment),
            "loss": asdict(recipe.loss) if name == "transfer" else None,
            "seed": recipe.seed,
            "clips": len(clips.train),
        },
        accuracy={},
        flow=recipe.input.motion,
    )


def normalisation(recipe: Recipe, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the networks' input, levels in 0..1. No motion is exactly 0, so that borders are still."""
    if recipe.input.motion is not None:
        return (STILL / 255,) * 2, FLOW_STD
    rgb = channels == 3
    return (
        recipe.input.mean or ((0.485, 0.456, 0.406) if rgb else (0.45,)),
        recipe.input.std or ((0.229, 0.224, 0.225) if rgb else (0.225,)),
    )


def reading(source: Source) -> dict[str, Any]:
    """The grey range that an array was read with, which the recipe may leave to the data."""
    return {"low": source.low, "high": source.high} if isinstance(source, ArrayFrames) else {}


def build_network(contract: Contract) -> ActionNetwork:
    """A network with fresh weights for a contract."""
    return ActionNetwork(
        contract.network,
        len(contract.classes),
        contract.channels,
        contract.intervals.count,
        contract.intervals.frames,
    )


def write_predictions(path: Path, predictions: Predictions, classes: tuple[str, ...]) -> None:
    """One row a clip: id, label, prediction, then the softmax score of every class."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["clip", "label", "predicted", *classes])
    for clip, label, scores in zip(
        predictions.clips, predictions.labels.tolist(), predictions.logits.softmax(1).tolist(), strict=True
    ):
        best = max(range(len(classes)), key=scores.__getitem__)
        table.writerow([clip, classes[label], classes[best], *(f"{score:.6f}" for score in scores)])
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


def write_json(path: Path, content: Any) -> None:
    """Write JSON for programs and people."""
    with atomic_write(path) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())


def write_yaml(path: Path, content: dict[str, Any]) -> None:
    """Write the resolved recipe; `farview train` reads it again."""
    with atomic_write(path) as file:
        file.write(yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False).encode())
