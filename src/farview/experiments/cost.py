"""What networks cost: the verb `farview cost`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.errors import FarviewError
from farview.models.bundle import is_bundle
from farview.models.contract import NetworkConfig
from farview.models.cost import cost
from farview.models.model_file import read_contract
from farview.training.recipe import Phase, read_recipe

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
NETWORKS: dict[Phase, str] = {"teacher": "T-Net", "student": "S-Net"}
ASSUMED = {"classes": 101, "channels": 3}
"""Of a recipe whose data are not at hand: those of UCF101 in RGB."""


def costs(
    target: str | Path | None = None, classes: int | None = None, channels: int | None = None
) -> list[Row]:
    """Counts for a recipe or a model file, exported or not; by default for the paper's two networks beside its figures.

    A recipe whose S-Net is not built as its T-Net, or has another input, has a row for each (`name`). `classes` and
    `channels` are a recipe's, by default those of its data; flow has 2 channels. Raises FarviewError where they are
    given beside anything else.
    """
    model = target is not None and (Path(target).suffix == ".safetensors" or is_bundle(target))
    if (classes or channels) and (target is None or model):
        raise FarviewError("--classes and --channels go with a recipe: a model file states its own")
    if target is None:
        return [
            row_of(p["network"], p["classes"], 3, p["intervals"], p["frames"], (256, 340), p["paper"])
            for p in PAPER
        ]
    if model:
        c = read_contract(Path(target))
        t = c.intervals
        return [row_of(c.network, len(c.classes), c.channels, t.count, t.frames, c.input_size)]
    recipe = read_recipe(target)
    if recipe.rival:
        raise FarviewError(
            f"{target}: trains the rival {recipe.rival.get('method')}; its results.json and table 5 state its cost"
        )
    given = {"classes": classes, "channels": channels if recipe.input.motion is None else 2}
    wanted = {key: value for key, value in given.items() if value is not None}
    missing = [key for key in given if key not in wanted]
    note = None
    if missing:
        found, origin = seen(recipe.data)
        wanted |= {key: found[key] for key in missing}
        note = " and ".join(f"{found[key]} {key}" for key in missing) + origin
    t = recipe.input.intervals
    built = {(recipe.network_of(phase), recipe.input_size(phase)): name for phase, name in NETWORKS.items()}
    return [
        row_of(network, wanted["classes"], wanted["channels"], t.count, t.frames, size)
        | {"name": name if len(built) > 1 else None, "note": note}
        for (network, size), name in built.items()
    ]


def seen(data: DataConfig) -> tuple[dict[str, int], str]:
    """Classes and channels of a recipe's data, `ASSUMED` where they are not at hand, and words on which it was.

    The data set is indexed and one frame of its first clip is read.
    """
    try:
        opened = open_data(data)
        with opened.clips[0].source.open() as frames:
            channels = frames.read([0]).shape[-1]
    except FarviewError as error:
        return ASSUMED, f" are assumed (--classes, --channels tell otherwise), because of {error}"
    return {"classes": len(opened.classes), "channels": channels}, f": those of {data.source}"


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
        "name": None,
        "network": asdict(network),
        "input": {"intervals": intervals, "frames": frames, "channels": channels, "size": list(size)},
        "classes": classes,
        **asdict(counted),
        "paper": None if paper is None else {"gmacs": paper[0], "mparameters": paper[1]},
        "note": None,
    }


CONVENTIONS = (
    "conv+fc: convolutions and class head. MMCV: the paper's convention, with inner norms, ReLU and pooling. "
    "all norms: also R(2+1)D's outer norms, which MMCV does not count where they are synchronised."
)


def print_costs(rows: list[Row]) -> None:
    """A table for readers."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title="multiply-adds of one interval, parameters without temporal attention",
        caption=CONVENTIONS,
        caption_justify="left",
    )
    for name in (
        "network",
        "input",
        "classes",
        "G conv+fc",
        "G MMCV",
        "paper",
        "G all norms",
        "M parameters",
        "paper",
        "G a video",
    ):
        table.add_column(name, justify="left" if name in ("network", "input") else "right")
    for row in rows:
        seen, paper = row["input"], row["paper"]
        h, w = seen["size"]
        name = f"{row['name']}: " if row["name"] else ""
        table.add_row(
            f"{name}{row['network']['backbone']} x{row['network']['width']} {row['network']['stem']}",
            f"{seen['frames']}x{h}x{w}x{seen['channels']}",
            str(row["classes"]),
            f"{row['interval'] / 1e9:.4f}",
            f"{row['interval_mmcv'] / 1e9:.4f}",
            f"{paper['gmacs']:.2f}" if paper else "",
            f"{row['interval_mmcv_all'] / 1e9:.4f}",
            f"{row['parameters'] / 1e6:.4f}",
            f"{paper['mparameters']:.2f}" if paper else "",
            f"{row['video'] / 1e9:.4f}",
        )
    console = Console(width=140)
    console.print(table)
    for note in dict.fromkeys(row["note"] for row in rows if row["note"]):
        console.print(note, highlight=False, markup=False)
