"""Fig. 10: the features of the clips before and after the transfer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError
from farview.experiments.charts import perplexity_of, tsne
from farview.experiments.embedding import FEWEST, embedded_clips, features_of
from farview.experiments.examples import PARTS
from farview.experiments.figures.shared import Made, title
from farview.experiments.figures.sheet import LETTER, WIDTH
from farview.experiments.figures.subject import Subject
from farview.training.recipe import Phase

PHASES: tuple[Phase, ...] = ("student", "transfer")
COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#000000", "#8c6d31", "#7f3c8d", "#80ba5a",
    "#e73f74", "#7f7f7f",
)  # fmt: skip
MARKERS = "osD^vPXd<>hp"
"""Class i has colour i and marker i: classes differ in black and white, too."""


def obstacle(subject: Subject) -> str | None:
    """Why there can be no Fig. 10, if so: its data are not there, or hold too few clips."""
    try:
        clips = embedded_clips(subject.clips, len(subject.contract.classes))
    except FarviewError as error:
        return f"Fig. 10 needs the networks' data: {error}"
    if len(clips) >= FEWEST and len({clip.label for clip in clips}) > 1:
        return None
    return (
        f"Fig. 10 needs {FEWEST} {PARTS[subject.part]} clips or more, of two classes or more, and {subject.data.name} "
        f"has {len(clips)}"
    )


def draw(subject: Subject, update: Callable[[int, int], None] | None = None) -> Made:
    """t-SNE of the clips' features by S-Net and CSTAT, on axes of the same size; for a subject without `obstacle`.

    `update(done, total)` is told how many clips are done.
    """
    clips = embedded_clips(subject.clips, len(subject.contract.classes))
    labels = np.array([clip.label for clip in clips])
    store, features = subject.frame_store(), {}
    for i, phase in enumerate(PHASES):

        def part(done: int, total: int, i: int = i) -> None:
            if update is not None:
                update(i * total + done, len(PHASES) * total)

        features[phase] = features_of(subject.networks[phase], clips, store, part)
    points = {phase: centred(tsne(each)) for phase, each in features.items()}
    separation = {phase: silhouette(each, labels) for phase, each in features.items()}
    names = subject.contract.classes
    drawn = picture(points, separation, labels, names)
    perplexity = perplexity_of(len(clips))
    shown = [names[label] for label in sorted(set(labels.tolist()))]
    before, after = (separation[phase] for phase in PHASES)
    caption = (
        f"Features of {len(clips)} {PARTS[subject.part]} clips of {len(shown)} classes before the transfer (S-Net) and "
        f"after it (CSTAT), by t-SNE (perplexity {perplexity:.3g}, PCA start, seed 0). The maps are computed apart and "
        "have no common axes; both are drawn to the same scale. Silhouette: mean over the clips, by Euclidean distance "
        f"of the features themselves, {before:+.3f} before and {after:+.3f} after (1: classes far apart, 0: touching, "
        "below 0: mixed)."
    )
    return Made(
        drawn,
        caption,
        {
            "clips": len(clips),
            "classes": shown,
            "perplexity": perplexity,
            "tsne_seed": 0,
            "silhouette": {phase: round(value, 6) for phase, value in separation.items()},
            "dimensions": {phase: each.shape[1] for phase, each in features.items()},
        },
    )


def silhouette(features: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Mean over clips of (b - a) / max(a, b): distance to the own class (a) and to the next one (b); -1..1."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(features, labels))


def centred(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Points (N, 2) with the middle of their range at 0."""
    return points - (points.min(0) + points.max(0)) / 2


def picture(
    points: dict[Phase, NDArray[np.floating]],
    separation: dict[Phase, float],
    labels: NDArray[np.int64],
    names: Sequence[str],
) -> Any:
    """Points (N, 2) of each network side by side, of one scale, with one legend."""
    from matplotlib.figure import Figure

    x, y = 1.06 * np.max([np.abs(place).max(0) for place in points.values()], 0)
    tall = WIDTH / len(points) * min(1.0, max(0.6, y / x))  # the more nearly square, the higher
    shown = sorted(set(labels.tolist()))
    columns = min(6, max(1, int(WIDTH / (LETTER * max(len(names[label]) for label in shown) + 0.3))))
    legend = 0.16 * -(-len(shown) // columns)
    drawn = Figure(figsize=(WIDTH, tall + 0.5 + legend), facecolor="white", layout="constrained")
    panels = drawn.subplots(1, len(points))
    for axes, (phase, place) in zip(panels, points.items(), strict=True):
        for i, label in enumerate(shown):
            own = place[labels == label]
            axes.scatter(
                *own.T, s=13, color=COLOURS[i], marker=MARKERS[i], linewidths=0.2, edgecolors="white",
                label=names[label],
            )  # fmt: skip
        when = "before the transfer" if phase == "student" else "after the transfer"
        axes.set_title(f"{title(phase)}, {when}", weight="bold")
        axes.set_xlabel(f"silhouette of the features {separation[phase]:+.3f}".replace("-", "−"))
        axes.set(xlim=(-x, x), ylim=(-y, y), aspect="equal", xticks=[], yticks=[])
    handles = panels[0].get_legend_handles_labels()
    drawn.legend(
        *handles, loc="outside lower center", ncols=columns, frameon=False, handletextpad=0.1, markerscale=1.4
    )
    return drawn
