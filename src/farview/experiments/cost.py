"""What networks cost: the verb `farview cost`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from farview.models.contract import NetworkConfig
from farview.models.cost import cost
from farview.models.model_file import read_contract
from farview.training.recipe import read_recipe

Row = dict[str, Any]

PAPER: tuple[Row, ...] = (
    {
        "network": NetworkConfig("resnet34"),
        "classes": 101,
        "intervals": 8,
        "frames": 1,
        "paper": (6.51, 21.34),
    },
    {
        "network": NetworkConfig("r2plus1d18"),
        "classes": 400,
        "intervals": 4,
        "frames": 5,
        "paper": (28.99, 33.43),
    },
)
"""The two networks of Sec. IV-B at 256x340 with the paper's multiply-adds (10^9) and parameters (10^6)."""


def costs(target: str | Path | None = None) -> list[Row]:
    """Counts for a recipe or a model file; by default for the paper's two networks beside the paper's figures."""
    if target is None:
        return [
            row_of(p["network"], p["classes"], 3, p["intervals"], p["frames"], (256, 340), p["paper"])
            for p in PAPER
        ]
    if Path(target).suffix == ".safetensors":
        c = read_contract(Path(target))
        t = c.intervals
        return [row_of(c.network, len(c.classes), c.channels, t.count, t.frames, c.input_size)]
    recipe = read_recipe(target)
    t = recipe.input.intervals
    return [row_of(recipe.network, 101, 3, t.count, t.frames, recipe.input.size)]


def row_of(
    network: NetworkConfig,
    classes: int,
    channels: int,
    intervals: int,
    frames: int,
    size: tuple[int, int],
    paper: tuple[float, float] | None = None,
) -> Row:
    """One network at one input, as plain values."""
    counted = cost(network, classes, channels, intervals, frames, size)
    return {
        "network": asdict(network),
        "input": {"intervals": intervals, "frames": frames, "channels": channels, "size": list(size)},
        "classes": classes,
        **asdict(counted),
        "paper": None if paper is None else {"gmacs": paper[0], "mparameters": paper[1]},
    }


def print_costs(rows: list[Row]) -> None:
    """A table for readers."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="multiply-adds of one interval, parameters without temporal attention")
    for name in (
        "network",
        "input",
        "classes",
        "G conv+fc",
        "G MMCV",
        "paper",
        "M parameters",
        "paper",
        "G a video",
    ):
        table.add_column(name, justify="left" if name in ("network", "input") else "right")
    for row in rows:
        seen, paper = row["input"], row["paper"]
        h, w = seen["size"]
        table.add_row(
            f"{row['network']['backbone']} x{row['network']['width']} {row['network']['stem']}",
            f"{seen['frames']}x{h}x{w}x{seen['channels']}",
            str(row["classes"]),
            f"{row['interval'] / 1e9:.4f}",
            f"{row['interval_mmcv'] / 1e9:.4f}",
            f"{paper['gmacs']:.2f}" if paper else "",
            f"{row['parameters'] / 1e6:.4f}",
            f"{paper['mparameters']:.2f}" if paper else "",
            f"{row['video'] / 1e9:.4f}",
        )
    Console(width=140).print(table)
