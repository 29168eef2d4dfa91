"""The figure of `farview sweep`."""

from pathlib import Path
from typing import Any

from farview.experiments.charts import COLOURS, figure
from farview.frames.files import atomic_write

Point = dict[str, Any]
LINES = (
    ("action", "method", "the action, recipe's method", COLOURS["cstat"], "-"),
    ("action", "student", "the action, S-Net alone", COLOURS["student"], "-"),
    ("who", "student", "who it is", "#b0305c", "--"),
)
LEVELS = (
    ("action", "the action at HR (T-Net)", COLOURS["teacher"], ":"),
    ("who", "who it is at HR", "#b0305c", ":"),
)


def draw(points: list[Point], out: Path) -> list[Path]:
    """Write `sweep.png` and `sweep.pdf`: accuracy against resolution, and against clips of each class."""
    from matplotlib import rc_context

    sized = [p for p in points if p["what"] != "clips"]
    counted = [p for p in points if p["what"] == "clips"]
    panels = [panel for panel, there in ((resolution_panel, sized), (clips_panel, counted)) if there]
    style: dict[Any, Any] = {
        "pdf.fonttype": 42,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    written = []
    with rc_context(style):
        drawn = figure(4.6 * len(panels) + 0.6, 3.6)
        grid = drawn.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(grid, panels, strict=True):
            panel(axes, points)
            axes.set_ylim(0, 100)
            axes.grid(axis="y", linewidth=0.4, alpha=0.5)
        grid[0].set_ylabel("Prec@1 on test clips, percent")
        for kind in ("png", "pdf"):
            with atomic_write(out / f"sweep.{kind}") as file:
                drawn.savefig(file, format=kind, dpi=200)
            written.append(out / f"sweep.{kind}")
    return written


def resolution_panel(axes: Any, points: list[Point]) -> None:
    """Accuracy against resolution; bands from the worst to the best seed, dotted levels at HR, thin ones at chance."""
    sizes = sorted({(p["height"], p["width"]) for p in points if p["height"] is not None})
    place = {size: i for i, size in enumerate(sizes)}
    rates = {(p["height"], p["width"]): p["bytes_per_second"] for p in points}
    for what, network, label, colour, line in LINES:
        of_line = [
            p for p in points if (p["what"], p["network"]) == (what, network) and p["height"] is not None
        ]
        band(axes, [place[p["height"], p["width"]] for p in of_line], of_line, label, colour, line)
    for what, label, colour, line in LEVELS:
        for p in points:
            if (p["what"], p["network"]) == (what, "teacher"):
                axes.axhline(p["prec1"], color=colour, linestyle=line, linewidth=1.3, label=label)
                chance = f"chance, {label.split(' at HR')[0]}"
                axes.axhline(p["chance"], color=colour, linestyle="-", linewidth=0.6, alpha=0.5, label=chance)
    axes.set_xticks(range(len(sizes)), [f"{h}×{w}\n{rates[h, w] / 1000:.1f} kB/s" for h, w in sizes])
    axes.set_xlabel("resolution, and raw bytes at 30 frames/s")
    axes.legend(frameon=False, fontsize=7.5, handlelength=3)


def clips_panel(axes: Any, points: list[Point]) -> None:
    """Accuracy against training clips of each class."""
    counted = sorted((p for p in points if p["what"] == "clips"), key=lambda p: p["clips_per_class"])
    _, _, label, colour, line = LINES[0]
    count = [p["clips_per_class"] for p in counted]
    band(axes, count, counted, label, colour, line)
    axes.set_xscale("log")
    axes.set_xticks(
        count, [f"{n:.3g}" + ("" if p["per_class"] else "\nall") for n, p in zip(count, counted, strict=True)]
    )
    axes.minorticks_off()
    axes.axhline(counted[0]["chance"], color="grey", linestyle="-", linewidth=0.6, alpha=0.5, label="chance")
    axes.set_xlabel("training clips of each class, on average")
    axes.legend(frameon=False, fontsize=7.5)


def band(axes: Any, x: list[float], points: list[Point], label: str, colour: str, line: str) -> None:
    """A line of means with the range over seeds."""
    if not points:
        return
    axes.plot(x, [p["prec1"] for p in points], line, marker="o", markersize=4, color=colour, label=label)
    axes.fill_between(
        x, [p["low"] for p in points], [p["high"] for p in points], color=colour, alpha=0.18, linewidth=0
    )
