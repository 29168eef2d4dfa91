"""How good is a model on a data set: the verb `farview evaluate`."""

from collections.abc import Callable, Container, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from farview.console import progress
from farview.data.clip import Clip, DataSet, Part
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.splits import readable, training_parts
from farview.errors import FarviewError, UnreadableClip
from farview.frames.sensor import SensorModel
from farview.frames.store import FrameStore
from farview.models.contract import is_rival, read_contract
from farview.models.model_file import load_model
from farview.training.evaluation import Predictions, predict_clips
from farview.training.fusion import log_fused
from farview.training.metrics import Accuracy, accuracy, confusion
from farview.training.phases import write_json, write_predictions
from farview.training.processor import device_of
from farview.training.recipe import STORE, MachineConfig


class Described(Protocol):
    """What a model tells of itself: a contract, or another method's model."""

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the logits."""

    @property
    def trained(self) -> dict[str, Any]:
        """How it was trained."""


Predict = Callable[[Sequence[Clip], FrameStore], Predictions]


@dataclass(frozen=True)
class Evaluation:
    """Figures of one model on one part of one data set."""

    model: str
    data: str
    part: str
    classes: tuple[str, ...]
    accuracy: Accuracy
    confusion: torch.Tensor
    """(classes, classes) counts: row the label, column the prediction."""
    predictions: Predictions
    unreadable: dict[str, str]
    """Clips left out (only with `skip_unreadable`): name to reason."""

    def to_dict(self) -> dict[str, Any]:
        """For `--json`: everything but the logits."""
        counts = self.confusion.tolist()
        return {
            "model": self.model,
            "data": self.data,
            "part": self.part,
            **asdict(self.accuracy),
            "classes": list(self.classes),
            "confusion": counts,
            "per_class": {
                name: {"clips": sum(row), "prec1": 100 * row[i] / sum(row) if sum(row) else None}
                for i, (name, row) in enumerate(zip(self.classes, counts, strict=True))
            },
            "unreadable": self.unreadable,
        }


def evaluate(
    model: str | Path,
    config: DataConfig,
    part: Part = "test",
    store: str | Path = STORE,
    skip_unreadable: bool = False,
    workers: int = 2,
    accelerator: str = "auto",
    quiet: bool = False,
) -> Evaluation:
    """Accuracy of a model on one part of a data set: `test`, or `val` and `train` as the model's training divided them.

    A model is T-Net, S-Net or a rival of Table V; of a rival every clip is one interval.
    Labels are matched to the model's classes by name. Unreadable clips raise `UnreadableClip` by name unless
    `skip_unreadable`. `accelerator`: auto (a GPU where there is one), cpu or gpu; raises FarviewError without one.
    """
    device = device_of(MachineConfig(accelerator=accelerator))
    if accelerator == "gpu" and device == "cpu":
        raise FarviewError(
            "--accelerator gpu: PyTorch sees no CUDA GPU; leave it out, or install its GPU build"
        )
    root = Path(store).expanduser()
    described, folder, predict = (
        _rival(model, root, device) if is_rival(model) else _network(model, root, device)
    )
    data = open_data(config)
    listed = data.part("test") if part == "test" else data.part("train") + data.part("val")
    relabelled = {clip.id: clip for clip in relabel(data, listed, described)}
    with progress("decoding", quiet) as update:
        unreadable = folder.build([clip.source for clip in listed], workers=workers, progress=update)
    if unreadable and not skip_unreadable:
        name, reason = next(iter(unreadable.items()))
        raise UnreadableClip(
            f"{len(unreadable)} of {len(listed)} clips are unreadable; first: {name}: {reason}; "
            f"mend them or go on without them by --skip-unreadable"
        )
    chosen = (
        readable(listed, unreadable) if part == "test" else trained_part(data, part, described, unreadable)
    )
    clips = [relabelled[clip.id] for clip in chosen if clip.id in relabelled]
    if not clips:
        raise FarviewError(f"{config.source}: the part '{part}' has no readable clips")
    predictions = predict(clips, folder)
    return Evaluation(
        str(model),
        config.source,
        part,
        described.classes,
        accuracy(predictions.logits, predictions.labels, predictions.interval_logits),
        confusion(predictions.logits, predictions.labels, len(described.classes)),
        predictions,
        unreadable,
    )


def _network(model: str | Path, root: Path, device: str) -> tuple[Described, FrameStore, Predict]:
    """T-Net or S-Net: what it tells of itself, the frames that it sees, and how it predicts."""
    network, contract = load_model(Path(model))
    hr = contract.resolution == "hr"
    sensor = contract.sensor or SensorModel()
    folder = FrameStore(
        root,
        None if hr else sensor,
        contract.input_size if hr else None,
        aspect=(sensor.height, sensor.width),
        flow=contract.flow,
    )
    return (
        contract,
        folder,
        lambda clips, frames: predict_clips(network, contract, clips, frames, device=device),
    )


def _rival(model: str | Path, root: Path, device: str) -> tuple[Described, FrameStore, Predict]:
    """The same of a rival."""
    from farview.rivals.network_file import load
    from farview.rivals.run import predict

    rival = load(Path(model))
    rival.to(device)
    sensor = rival.sensor
    folder = FrameStore(root, sensor, None, aspect=(sensor.height, sensor.width))
    return rival, folder, lambda clips, frames: predict(rival, clips, frames)


def write_evaluation(result: Evaluation, out: Path) -> None:
    """Write `results.json` and `predictions.csv`."""
    write_predictions(out / "predictions.csv", result.predictions, result.classes)
    write_json(out / "results.json", result.to_dict())


def check_streams(frames: str | Path, flow: str | Path) -> None:
    """Raise FarviewError where two models are not one that sees frames and one that sees flow."""
    for option, model, sees_flow in (("MODEL", frames, False), ("--flow", flow, True)):
        if (read_contract(model).flow is not None) != sees_flow:
            wanted = "flow (input.stream flow)" if sees_flow else "frames (input.stream rgb)"
            raise FarviewError(f"{option}: {model} was not trained on {wanted}; two streams are one of each")


def fused(first: Evaluation, second: Evaluation, weights: Sequence[float]) -> Evaluation:
    """Two streams, as an RGB and a flow model, on the same clips: their class probabilities added with `weights`.

    Raises FarviewError where the classes or the clips are not the same.
    """
    one, two = first.predictions, second.predictions
    for what, same in (("classes", first.classes == second.classes), ("clips", one.clips == two.clips)):
        if not same:
            raise FarviewError(f"{first.model} and {second.model} cannot be added: other {what}")
    logits = log_fused([one.logits, two.logits], weights)
    # Intervals of the two need not be the same; a video's scores stand for them.
    predictions = replace(one, logits=logits, interval_logits=logits[:, None])
    return replace(
        first,
        model=f"{first.model} + {second.model}",
        accuracy=accuracy(logits, one.labels),
        confusion=confusion(logits, one.labels, len(first.classes)),
        predictions=predictions,
    )


def trained_part(
    data: DataSet, part: Part, described: Described, unreadable: Container[str]
) -> tuple[Clip, ...]:
    """The clips that the model's training learned from (`train`) or held out (`val`).

    Raises `FarviewError` where it held out none, and where `data` cannot be what it was trained on.
    """
    try:
        share, count = described.trained["data"]["val_share"], described.trained["clips"]
    except KeyError:
        raise FarviewError(
            "the model file does not tell how its data were divided; take --part test"
        ) from None
    train, val = training_parts(data, share, unreadable)
    if part == "val" and not val:
        raise FarviewError(
            f"{data.name}: training held out no clips for validation (data.val_share was {share:g}); "
            "take --part test or train"
        )
    if len(train) != count and (part == "train" or not data.part("val")):
        raise FarviewError(
            f"{data.name}: gives {len(train)} clips to train on, and the model learned from {count}: which of them "
            "it held out can only be told of the data and options that it was trained with; take those, or --part test"
        )
    return train if part == "train" else val


def relabel(data: DataSet, clips: Sequence[Clip], described: Described) -> list[Clip]:
    """The labelled clips with their labels as indices into the model's classes."""
    place = {name: i for i, name in enumerate(described.classes)}
    clips = [clip for clip in clips if clip.label is not None]
    used = sorted({data.classes[clip.label] for clip in clips if clip.label is not None})
    unknown = [name for name in used if name not in place]
    if unknown:
        raise FarviewError(
            f"{data.name}: class '{unknown[0]}' is unknown to the model, which knows: {', '.join(described.classes)}"
        )
    return [replace(c, label=place[data.classes[c.label]]) for c in clips if c.label is not None]


def print_evaluation(result: Evaluation) -> None:
    """Figures, then a table of classes with what each is most often taken for."""
    from rich.console import Console
    from rich.table import Table

    console, figures = Console(), result.accuracy
    low, high = figures.ci95
    console.print(f"[bold]{result.model}[/] on {result.data} ({result.part}, {figures.clips} videos)")
    console.print(f"video level  prec@1 {figures.prec1:.2f} % (95 % interval {low:.1f} to {high:.1f})")
    fifth = f"prec@5 {figures.prec5:.2f} %   " if len(result.classes) > 5 else ""  # else always 100 %
    console.print(f"             {fifth}mean class accuracy {figures.class_mean:.2f} %")
    console.print(f"clip level   prec@1 {figures.clip_prec1:.2f} % (single intervals by themselves)")
    table = Table("class", "videos", "prec@1", "most often taken for")
    for i, (name, row) in enumerate(zip(result.classes, result.confusion.tolist(), strict=True)):
        if not sum(row):
            continue
        wrong = max((j for j in range(len(row)) if j != i), key=row.__getitem__, default=i)
        taken = f"{result.classes[wrong]} ({row[wrong]})" if row[wrong] and wrong != i else ""
        table.add_row(name, str(sum(row)), f"{100 * row[i] / sum(row):.1f}", taken)
    console.print(table)
    if result.unreadable:
        console.print(f"left out {len(result.unreadable)} unreadable clips: {', '.join(result.unreadable)}")
