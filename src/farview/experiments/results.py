"""The figures of a finished run, as `results.json` holds them and the page shows them."""

import csv
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview import __version__
from farview.models.cost import cost_of
from farview.models.model_file import read_contract
from farview.training.checkpoint import seconds_of
from farview.training.data import Prepared
from farview.training.metrics import gap_closed
from farview.training.phases import NAMES, PREDICTIONS, Run
from farview.training.recipe import PHASES, Phase, Recipe
from farview.training.scores import Scores, read_scores

Results = dict[str, Any]
ACCURACY = ("prec1", "prec5", "ci95", "class_mean", "clip_prec1", "clips")
DRAWS = 10_000


def results_of(run: Run, title: str) -> Results:
    """All figures of a run; accuracies in percent on the test clips, None where there is nothing to measure.

    Keys: `notes`, how the clips were divided and what is missing; `teacher`, `student`, `cstat` (None where that phase
    did not run), each with `prec1`, `prec5`, `ci95` (Wilson's interval of `prec1`), `class_mean`, `clip_prec1`,
    `clips`, `multiply_adds` (of a video), `parameters`, `seconds` (of training), `epochs` and `initial` (what it
    started from); `gap_closed`, the share of the HR-eLR gap that the transfer closed, in percent, None where T-Net is
    not better than S-Net; `difference`, CSTAT - S-Net in points with its paired bootstrap interval.
    """
    networks = {
        NAMES[phase]: network_results(run, phase) if phase in run.models else None for phase in PHASES
    }
    results: Results = {
        **head_of(run.recipe, run.clips, title),
        **networks,
        "gap_closed": None,
        "difference": None,
        "seconds": sum(network["seconds"] for network in networks.values() if network),
    }
    measured = {name: network for name, network in networks.items() if network and network["clips"]}
    if len(measured) == len(PHASES):
        figures = [measured[NAMES[phase]]["prec1"] for phase in PHASES]
        results["gap_closed"] = gap_closed(*figures)
    if {"student", "cstat"} <= measured.keys():
        hits = [scores_on_test(run.folders[phase]).hits for phase in ("student", "transfer")]
        difference, interval = paired_difference(*hits)
        results["difference"] = {"cstat_minus_student": difference, "ci95": list(interval)}
    return results


def head_of(recipe: Recipe, clips: Prepared, title: str) -> Results:
    """What a run was made of, whatever it trained."""
    return {
        "title": title,
        "created": datetime.now().astimezone().isoformat(timespec="minutes"),
        "farview": __version__,
        "data": clips.data.name,
        "classes": list(clips.data.classes),
        "seed": recipe.seed,
        "sensor": [recipe.input.sensor.height, recipe.input.sensor.width],
        "clips": {
            "train": len(clips.train),
            "val": len(clips.val),
            "test": len(clips.test),
            "pool": len(clips.pool),
            "unreadable": len(clips.unreadable),
        },
        "notes": list(clips.data.remarks),
    }


def network_results(run: Run, phase: Phase) -> Results:
    """Figures of one network, from its model file and the phase's history."""
    contract = read_contract(run.models[phase])
    measured = contract.accuracy.get("test")
    counted = cost_of(contract)
    history = read_history(run.folders[phase] / "history.csv")
    return {
        **{key: measured[key] if measured else None for key in ACCURACY},
        "multiply_adds": counted.video,
        "parameters": counted.parameters_total,
        "seconds": round(seconds_of(run.folders[phase]), 3),
        "epochs": len(history["epoch"]),
        "initial": getattr(run.recipe, phase).initial,
    }


def read_history(path: Path) -> dict[str, NDArray[np.float64]]:
    """A phase's `history.csv`: column to (epochs,) values, NaN where a cell is empty."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key] or math.nan) for row in rows]) for key in rows[0]}


def scores_on_test(folder: Path) -> Scores:
    """What a phase made of the test clips, in their order."""
    return read_scores(folder / f"test-{PREDICTIONS}")


def confusion_of(run: Run, phase: Phase) -> NDArray[np.int64]:
    """(classes, classes) counts of test clips: row the label, column the prediction."""
    scores = scores_on_test(run.folders[phase])
    counts = np.zeros((len(scores.classes), len(scores.classes)), np.int64)
    np.add.at(counts, (scores.labels, scores.predicted), 1)
    return counts


def paired_difference(
    first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> tuple[float, tuple[float, float]]:
    """Prec@1 of `second` - `first` in points, and its 95 % percentile bootstrap interval over clips.

    Both (clips,) tell of the same clips in the same order. Drawing clips with replacement is drawing how often
    a clip counts -1, 0 or +1; `DRAWS` draws with a fixed seed.
    """
    change = second.astype(int) - first
    shares = np.array([(change == value).mean() for value in (-1, 0, 1)])
    drawn = np.random.default_rng(0).multinomial(len(change), shares, DRAWS)
    low, high = np.percentile(100 * (drawn[:, 2] - drawn[:, 0]) / len(change), [2.5, 97.5])
    return 100 * float(change.mean()), (float(low), float(high))


def verdict(results: Results) -> list[str]:
    """What the figures say, in plain sentences that hide nothing."""
    sentences = []
    teacher, student, cstat = (results[name] for name in ("teacher", "student", "cstat"))
    difference, closed = results["difference"], results["gap_closed"]
    if teacher and student and teacher["clips"] and student["clips"]:
        gap = teacher["prec1"] - student["prec1"]
        if gap <= 0:
            sentences.append(
                f"T-Net is not better than S-Net ({signed(gap)} points): there is no gap to close."
            )
        else:
            sentences.append(f"Down-sampling costs {gap:.1f} points, the gap between T-Net and S-Net.")
    if difference is None:
        return sentences
    points, (low, high) = difference["cstat_minus_student"], difference["ci95"]
    interval = (
        f"{signed(low)} to {signed(high)} points (95 %, paired bootstrap over {cstat['clips']} test clips)"
    )
    if points > 0:
        closes = f" and closes {closed:.0f} % of that gap" if closed is not None else ""
        sentences.append(
            f"CSTAT is {points:.1f} points better than S-Net{closes}; the difference is {interval}."
        )
    else:
        sentences.append(
            f"CSTAT is not better than S-Net: {signed(points)} points; the difference is {interval}."
        )
    if low <= 0 <= high:
        sentences.append("That interval includes 0: on these clips the difference may be chance.")
    if cstat["initial"] == "student":
        sentences.append(
            f"CSTAT starts from the trained S-Net and learns for {cstat['epochs']} more epochs; this run does not tell "
            "how much S-Net would have gained from as many epochs without the transfer."
        )
    return sentences


def signed(points: float) -> str:
    """A difference with its sign, for a reader."""
    return f"{points:+.1f}".replace("-", "−")
