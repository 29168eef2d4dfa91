"""Charts of the report as SVG that takes the page's text colour, so that it suits a light and a dark page."""

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview.experiments.results import Results

COLOURS = {"teacher": "#8a7bd1", "student": "#dd8033", "cstat": "#1f9d8a"}
LABELS = {"teacher": "T-Net", "student": "S-Net", "cstat": "CSTAT"}
_TEXT = "#1a2b3c"  # stands for the page's text colour
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "farview",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
} | dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _TEXT)


def figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def svg(drawn: Any, description: str) -> str:
    """A figure as an `<svg>` element with a description for those who do not see it."""
    out = io.StringIO()
    drawn.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :].replace(_TEXT, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px inherit", text)
    return text.replace("<svg", f'<svg class="chart" role="img" aria-label="{description}"', 1)


def style() -> Any:
    """The context in which charts are made and written."""
    from matplotlib import rc_context

    return rc_context(_STYLE)


def accuracy_chart(results: Results) -> str:
    """Prec@1 of each network as a bar with its 95 % interval; a dashed line at chance."""
    names = [name for name in LABELS if results[name] and results[name]["clips"]]
    with style():
        drawn = figure(6.2, 0.55 * len(names) + 0.65)
        axes = drawn.subplots()
        for row, name in enumerate(reversed(names)):
            value, (low, high) = results[name]["prec1"], results[name]["ci95"]
            axes.barh(row, value, 0.52, color=COLOURS[name])
            axes.plot([low, high], [row, row], color=_TEXT, linewidth=1.4, solid_capstyle="butt")
            for end in (low, high):
                axes.plot([end, end], [row - 0.12, row + 0.12], color=_TEXT, linewidth=1.4)
            axes.text(high + 1.5, row, f"{value:.1f} %", va="center", fontweight="bold")
        chance = 100 / len(results["classes"])
        axes.axvline(chance, color=_TEXT, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.set_yticks(range(len(names)), [LABELS[name] for name in reversed(names)])
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 112)
        axes.set_xticks(range(0, 101, 20))
        axes.set_xlabel(f"Prec@1 on the test clips, %  (dashed: chance, {chance:.1f} %)")
        return svg(drawn, "Accuracy of the networks with 95 % intervals")


def confusion_chart(counts: NDArray[np.int64], classes: Sequence[str], name: str) -> str:
    """Rows are true classes, columns predictions, the shade the share of the row; counts where there is room."""
    from matplotlib.colors import to_rgb

    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    cells = np.empty((*share.shape, 4))
    cells[..., :3], cells[..., 3] = to_rgb(COLOURS[name]), share**0.7
    few, side = len(classes) <= 24, 3.5 if len(classes) <= 14 else 5.2
    with style():
        drawn = figure(side, side)
        axes = drawn.subplots()
        axes.imshow(cells, interpolation="nearest")
        axes.set_title(LABELS[name])
        axes.set_xlabel("recognised as")
        axes.set_ylabel("is")
        if few:
            axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=7.5)
            axes.set_yticks(range(len(classes)), classes, fontsize=7.5)
            for row, column in np.argwhere(counts):
                axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=7)
        axes.tick_params(length=0)
        return svg(drawn, f"Confusion matrix of {LABELS[name]}")


def training_chart(histories: dict[str, dict[str, NDArray[np.float64]]]) -> str:
    """Cross-entropy on the training clips and Prec@1 on the validation clips, epoch by epoch."""
    with style():
        drawn = figure(8.6, 2.9)
        left, right = drawn.subplots(1, 2)
        for name, history in histories.items():
            for axes, key in ((left, "train/ce"), (right, "val/prec@1")):
                if key in history:
                    axes.plot(history["epoch"] + 1, history[key], color=COLOURS[name], label=LABELS[name])
        by_epoch(left, "cross-entropy, training clips")
        by_epoch(right, "Prec@1, validation clips, %")
        left.legend(loc="best")
        return svg(drawn, "Training curves of the networks")


def terms_chart(history: dict[str, NDArray[np.float64]], confident: bool) -> str:
    """The attention terms of the loss (Eq. 4) and, if `confident`, what the confidence map keeps, by epoch.

    Terms without a weight have no history and are left out; at least one must have.
    """
    panels = {"attention transfer losses": [key for key in ("sat", "tat") if f"train/{key}" in history]}
    if confident:
        panels["confidence map, shares"] = ["kept", "score", "spread"]
    with style():
        drawn = figure(8.6, 2.9)
        for axes, (title, keys) in zip(drawn.subplots(1, 2), panels.items(), strict=False):
            for key, dash in zip(keys, ("-", "--", ":"), strict=False):
                axes.plot(
                    history["epoch"] + 1, history[f"train/{key}"], dash, color=COLOURS["cstat"], label=key
                )
            by_epoch(axes, title)
            if len(keys) == 3:
                axes.set_ylim(0, 1.05)
            axes.legend(loc="best")
        for axes in drawn.axes[len(panels) :]:
            axes.remove()
        return svg(drawn, "Terms of the transfer")


def by_epoch(axes: Any, title: str) -> None:
    """What the charts over epochs share."""
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.locator_params(axis="x", integer=True, nbins=6)
    axes.grid(axis="y", color=_TEXT, alpha=0.15, linewidth=0.6)
    axes.set_ylim(bottom=0)


def tsne(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """Features (N, D), N >= 4, as points (N, 2) by t-SNE; the same every time."""
    from sklearn.manifold import TSNE

    return TSNE(perplexity=perplexity_of(len(features)), init="pca", random_state=0).fit_transform(features)


def perplexity_of(count: int) -> float:
    """t-SNE's perplexity for so many points."""
    return min(30.0, (count - 1) / 3)


def tsne_chart(
    points: dict[str, NDArray[np.float64]], labels: NDArray[np.int64], classes: Sequence[str]
) -> str:
    """Points (N, 2) of each network side by side, coloured by class (Fig. 10)."""
    from matplotlib import colormaps

    shown = sorted(set(labels.tolist()))
    colours = colormaps["tab10" if len(shown) <= 10 else "tab20"]
    with style():
        drawn = figure(8.6, 4.6)
        panels = drawn.subplots(1, len(points), squeeze=False)[0]
        for axes, (name, place) in zip(panels, points.items(), strict=True):
            for i, label in enumerate(shown):
                own = place[labels == label]
                axes.scatter(*own.T, s=20, color=colours(i), linewidths=0, label=classes[label])
            axes.set_title(LABELS[name])
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        drawn.legend(
            *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, handletextpad=0.1
        )
        return svg(drawn, "t-SNE of the test clips' features")
