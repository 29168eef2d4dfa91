"""Train PoT or ISR on a recipe's clips and write what the phases of a network write."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from farview import __version__
from farview.data.clip import Clip
from farview.frames.store import FrameStore
from farview.rivals.isr import IsrConfig, train_isr
from farview.rivals.pot import PotConfig, PotModel, labels_of, train_pot
from farview.rivals.pot_file import save_pot
from farview.training.data import Prepared, prepare
from farview.training.evaluation import Predictions
from farview.training.metrics import accuracy
from farview.training.phases import MODEL, PREDICTIONS, reading, write_predictions
from farview.training.recipe import Recipe, digest

RivalConfig = PotConfig | IsrConfig
"""Options of a rival; their class says which one it is."""


def run_rival(
    recipe: Recipe, config: RivalConfig, clips: Prepared | None = None, quiet: bool = False
) -> Path:
    """The folder with the model, its predictions and figures; trained unless it is there already.

    Takes the recipe's data, sensor, seed and store, and for ISR its HR size (`input.size`), and learns from the same
    training clips as its networks. `clips` are the recipe's where they are prepared already, for ISR with HR frames.
    """
    isr = isinstance(config, IsrConfig)
    clips = clips or prepare(replace(recipe, phases=("teacher", "student") if isr else ("student",)), quiet)
    folder = rival_folder(recipe, config, clips)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if (folder / MODEL).is_file():
            if not quiet:
                print(f"{_name(config):8} done before: {folder}", flush=True)
            return folder
        started = time.perf_counter()
        if isinstance(config, IsrConfig):
            model = train_isr(clips, recipe.input.sensor, config, recipe.seed)
        else:
            model = train_pot(clips, recipe.input.sensor, config)
        trained = {
            "method": model.method,
            "farview": __version__,
            "data": asdict(recipe.data) | reading(clips.train[0].source),
            "options": asdict(config),
            "seed": recipe.seed,
            "clips": len(clips.train),
            "c": model.svm.c,
            "seconds": round(time.perf_counter() - started, 3),
            **model.trained,
        }
        finish(replace(model, trained=trained), clips, folder, quiet)
    return folder


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
    if isinstance(config, IsrConfig):
        settings |= {"size": recipe.input.size, "seed": recipe.seed}
    shared = Path(recipe.shared or f"{recipe.out}/phases").expanduser()
    return shared / f"{_name(config)}-{digest(settings)}"


def finish(model: PotModel, clips: Prepared, folder: Path, quiet: bool) -> None:
    """Measure the model, write its predictions, then its file, which marks it as done."""
    measured: dict[str, Any] = {}
    for part, listed in (("validation", clips.val), ("test", clips.test)):
        if listed:
            predictions = predict(model, listed, clips.store)
            write_predictions(folder / f"{part}-{PREDICTIONS}", predictions, model.classes)
            measured[part] = asdict(accuracy(predictions.logits, predictions.labels))
    save_pot(folder / MODEL, replace(model, accuracy=measured))
    if not quiet:
        shown = ", ".join(f"{part} prec@1 {figures['prec1']:.1f}" for part, figures in measured.items())
        print(f"{model.method:8} {shown} ({model.trained['seconds']:.0f} s)", flush=True)


def predict(model: PotModel, clips: Sequence[Clip], store: FrameStore) -> Predictions:
    """Whole clips of at least one; a clip is one interval, its features are the pooled vector."""
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


def _name(config: RivalConfig) -> str:
    return "isr" if isinstance(config, IsrConfig) else "pot"
