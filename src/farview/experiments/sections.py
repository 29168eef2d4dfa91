"""The report's sections that are charts and tables."""

from dataclasses import asdict
from html import escape

import numpy as np
import yaml

from farview.experiments.charts import (
    COLOURS,
    LABELS,
    accuracy_chart,
    confusion_chart,
    terms_chart,
    training_chart,
    tsne,
    tsne_chart,
)
from farview.experiments.embedding import FEWEST, embedded_clips, features_of
from farview.experiments.page import captioned, left_out, paragraph, section, table, wide
from farview.experiments.results import Results, confusion_of, read_history, verdict
from farview.models.recogniser import Recogniser
from farview.training.phases import NAMES, Run

TERMS = (
    "The transfer. sat, tat: spatial and temporal attention transfer losses (Eq. 2, 3). Of the confidence map, kept: "
    "share of the pixels at or above the threshold; score: trust in the temporal transfer; spread: share of the "
    "frame that the map effectively covers."
)


def accuracy(results: Results) -> str:
    """Accuracy of the networks, the share of the gap closed, and what that is worth."""
    title = "Accuracy"
    measured = {name: results[name] for name in LABELS if results[name] and results[name]["clips"]}
    if not measured:
        return section(title, left_out("this run has no test clips."))
    tiles = [
        (COLOURS[name], LABELS[name], f"{network['prec1']:.1f} %", interval(network["ci95"]))
        for name, network in measured.items()
    ]
    if results["gap_closed"] is not None:
        tiles.append(("var(--ink)", "HR-eLR gap closed", f"{results['gap_closed']:.0f} %", "by CSTAT"))
    shown = "".join(
        f'<div class="tile" style="--tone:{tone}"><span>{name}</span><b>{figure}</b><span>{note}</span></div>'
        for tone, name, figure, note in tiles
    )
    rows = [
        (
            LABELS[name],
            f"{network['prec1']:.1f} %",
            interval(network["ci95"]),
            f"{network['prec5']:.1f} %",
            f"{network['class_mean']:.1f} %",
            f"{network['clip_prec1']:.1f} %",
        )
        for name, network in measured.items()
    ]
    chart = captioned(
        wide(accuracy_chart(results), "small"),
        f"Prec@1 on {max(network['clips'] for network in measured.values())} test clips, each counted once. "
        "The bars' ends are Wilson's 95 % intervals, as if the clips were independent; they do not cover what "
        "another training seed would change.",
        "narrow",
    )
    head = ("", "Prec@1", "95 % interval", "Prec@5", "mean of classes", "single intervals")
    absent = [LABELS[name] for name in LABELS if not results[name]]
    why = [left_out(f"{', '.join(absent)}; not trained in this run.")] if absent else []
    return section(
        title,
        *map(paragraph, verdict(results)),
        f'<div class="tiles">{shown}</div>',
        chart,
        table(head, rows),
        *why,
    )


def interval(ends: list[float]) -> str:
    """A 95 % interval for a reader."""
    return f"{ends[0]:.1f} to {ends[1]:.1f}"


def confusions(run: Run, results: Results) -> str:
    """One confusion matrix for each network."""
    title = "What is taken for what"
    if not run.clips.test:
        return section(title, left_out("this run has no test clips."))
    classes = results["classes"]
    charts = [confusion_chart(confusion_of(run, phase), classes, NAMES[phase]) for phase in run.models]
    return section(
        title,
        captioned(
            f'<div class="charts{" large" if len(classes) > 14 else ""}">{"".join(charts)}</div>',
            "Rows: what the test clips show. Columns: what they were recognised as. The shade is the share of the "
            "row; the number counts clips.",
        ),
    )


def embedding(run: Run) -> str:
    """t-SNE of S-Net's and CSTAT's features: Fig. 10."""
    title = "Features before and after the transfer"
    phases = [phase for phase in ("student", "transfer") if phase in run.models]
    names = run.clips.data.classes
    if not phases:
        return section(title, left_out("this run trained no S-Net."))
    clips = embedded_clips(run.clips.test, len(names))
    if len(clips) < FEWEST:
        return section(
            title, left_out(f"t-SNE needs {FEWEST} test clips or more, and there are {len(clips)}.")
        )
    points = {
        NAMES[phase]: tsne(features_of(Recogniser(run.models[phase]), clips, run.clips.store))
        for phase in phases
    }
    labels = np.array([clip.label for clip in clips])
    return section(
        title,
        captioned(
            wide(tsne_chart(points, labels, names)),
            f"t-SNE of the video features of {len(clips)} test clips, one point each, coloured by class. The two maps "
            "are computed apart: compare how well the colours separate, not places.",
        ),
    )


def training(run: Run) -> str:
    """Training curves."""
    histories = {NAMES[phase]: read_history(folder / "history.csv") for phase, folder in run.folders.items()}
    parts = [
        captioned(
            wide(training_chart(histories)),
            "One point an epoch. The training curves include augmentation and label smoothing"
            + ("; CSTAT starts from the trained S-Net." if run.recipe.transfer.initial == "student" else ".")
            + ("" if run.clips.val else " There are no validation clips in this run."),
        )
    ]
    if {"train/sat", "train/tat"} & histories.get("cstat", {}).keys():  # a transfer of attention
        parts.append(
            captioned(
                wide(terms_chart(histories["cstat"], run.recipe.loss.confidence != "none")),
                TERMS,
            )
        )
    return section("Training", *parts)


def cost(results: Results) -> str:
    """Time and size of the networks."""
    rows = [
        (
            LABELS[name],
            f"{network['epochs']}",
            f"{network['seconds']:.0f} s",
            f"{network['parameters'] / 1e6:.2f} M",
            f"{network['multiply_adds'] / 1e9:.3f} G",
        )
        for name in LABELS
        if (network := results[name])
    ]
    head = ("", "epochs", "training and validation", "parameters", "multiply-adds a video")
    counts = {network["multiply_adds"] for name in LABELS if (network := results[name])}
    built = "All networks are built alike" if len(counts) == 1 else "S-Net is built otherwise than T-Net"
    note = (
        f"Together {results['seconds']:.0f} s of training on this machine. CSTAT's row is what the transfer took by "
        f"itself. {built}; at work CSTAT costs what S-Net costs."
    )
    return section("Time and cost", table(head, rows), paragraph(note))


def recipe(run: Run) -> str:
    """All settings of the run."""
    text = yaml.safe_dump(plain(asdict(run.recipe)), sort_keys=False, allow_unicode=True)
    return section(
        "Recipe",
        paragraph(
            "Everything that determines this run; the same recipe gives the same networks on the same machine."
        ),
        f"<details><summary>Show all settings</summary><pre>{escape(text)}</pre></details>",
    )


def plain(value: object) -> object:
    """Tuples as lists, all the way down, so that YAML shows them plainly."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
