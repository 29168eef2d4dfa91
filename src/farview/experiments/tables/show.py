"""A table's figures for readers: terminal, CSV, page."""

import csv
import io
import sys
from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np

from farview.experiments.charts import figure, style, svg
from farview.experiments.page import captioned, page, paragraph, section, table, wide
from farview.experiments.tables.choices import in_words
from farview.experiments.tables.results import Results

COLUMNS: tuple[tuple[str, Callable[[Results], str]], ...] = (
    ("Prec@1", lambda row: with_spread(row["prec1"], row["prec1_std"])),
    ("Prec@5", lambda row: with_spread(row["prec5"], row["prec5_std"])),
    ("G multiply-adds", lambda row: digits(row["multiply_adds"] / 1e9)),
    ("M parameters", lambda row: digits(row["parameters"] / 1e6)),
    ("ms a clip", lambda row: digits(1000 * row["seconds_a_clip"]) if row["seconds_a_clip"] else ""),
    ("to Student", lambda row: points(row["to_student"])),
    ("to Student, as long", lambda row: points(row["to_long"])),
    ("to full size", lambda row: points(row["to_full"])),
    ("to row above", lambda row: points(row["to_above"])),
    ("to last row", lambda row: points(row["to_last"])),
    ("gap closed", lambda row: share(row["gap_closed"])),
    ("paper", lambda row: " / ".join(f"{value:.2f}" for value in row["paper"] or ())),
    ("paper, HMDB51", lambda row: quoted(row, "HMDB51")),
    ("paper, IXMAS", lambda row: quoted(row, "IXMAS")),
    ("min to train", lambda row: f"{row['seconds'] / 60:.1f}"),
)
"""What is shown of a row: heading and text."""


HELD_OUT = "The same choices for every row, with the first seed; what does best on clips held out of training is taken."


def with_spread(mean: float, spread: float | None) -> str:
    """Mean with standard deviation."""
    return f"{mean:.1f}" if spread is None else f"{mean:.1f} ± {spread:.1f}"


def digits(count: float) -> str:
    """A count to three digits, never as a power of ten."""
    return np.format_float_positional(count, precision=3, unique=False, fractional=False, trim="-")


def points(found: dict[str, float] | None) -> str:
    """A difference with its interval."""
    return "" if found is None else f"{found['points']:+.1f} ({found['low']:+.1f} to {found['high']:+.1f})"


def share(found: list[float] | None) -> str:
    """A share of the gap with its interval."""
    return "" if found is None else f"{found[0]:.0f} % ({found[1]:.0f} to {found[2]:.0f})"


def quoted(row: Results, data: str) -> str:
    """The paper's figure of a system on a data set."""
    found = (row["published"] or {}).get(data)
    return "" if found is None else f"{found:.2f}"


def shown(results: Results) -> tuple[list[str], list[list[str]]]:
    """Heading and lines of the table; what no row has is left out."""
    several = len({row["column"] for row in results["rows"]}) > 1
    lines = [[read(row) for _, read in COLUMNS] for row in results["rows"]]
    trivial = ("Prec@5",) if results["classes"] <= 5 else ()  # always 100 %
    kept = [i for i in range(len(COLUMNS)) if any(line[i] for line in lines) and COLUMNS[i][0] not in trivial]
    head = ["row", *(["backbone"] if several else []), *(COLUMNS[i][0] for i in kept)]
    return head, [
        [name_of(row), *([row["column"]] if several else []), *(line[i] for i in kept)]
        for row, line in zip(results["rows"], lines, strict=True)
    ]


def name_of(row: Results) -> str:
    """A row's name, and how many of its cells are there where some failed."""
    done, planned = len(row["cells"]), row["planned"]
    return row["row"] + (f" ({done} of {planned} cells)" if done < planned else "")


def heading(results: Results) -> str:
    """The table's number, where it has one, and title."""
    number = results["table"]
    return f"Table {number}: {results['title']}" if isinstance(number, int) else results["title"]


def print_table(results: Results) -> None:
    """To the terminal."""
    from rich.console import Console
    from rich.table import Table

    head, lines = shown(results)
    grid = Table(title=f"{heading(results)} on {results['request']['data']}")
    for i, name in enumerate(head):
        grid.add_column(name, justify="left" if i == 0 else "right")
    for line in lines:
        grid.add_row(*line)
    Console(width=None if sys.stdout.isatty() else 240).print(grid)  # a file or pipe has no width to keep to
    for sentence in [f"On {setting(results)}.", reading(results), *results["notes"]]:
        print(sentence)


def reading(results: Results) -> str:
    """How the figures were made, in one sentence."""
    request = results["request"]
    seeds, splits = request["seeds"], request["splits"]
    drawn = "groups" if results["unit"] == "group" else "clips"
    drawn += " and seeds" if len(seeds) > 1 else ""
    return (
        f"{results['part'].capitalize()} clips; mean{' ± standard deviation' if len(seeds) * len(splits) > 1 else ''} "
        f"over {len(seeds)} seed{'s' * (len(seeds) > 1)} and {len(splits)} split{'s' * (len(splits) > 1)}; differences "
        f"in points, paired, with 95 % intervals that draw {drawn} anew; the share of the HR-eLR gap is given where "
        "the gap is larger than twice its standard error."
    )


def setting(results: Results) -> str:
    """On what data and by which settings the cells were trained."""
    request, clips = results["request"], results["clips"]
    held = f", {clips['val']} validation" if clips["val"] else ""
    parts = [
        request["data"],
        f"{results['classes']} classes, {clips['train']} training{held} and {clips['test']} test clips"
        + (f" (split {request['splits'][0]})" if len(request["splits"]) > 1 else ""),
        f"splits {', '.join(request['splits'])}",
        f"seeds {', '.join(map(str, request['seeds']))}",
        f"recipe {request['recipe']}" if request["recipe"] else f"scale {request['scale']}",
        *([f"pool {request['pool']}"] if request["pool"] else []),
        *([" ".join(request["overrides"])] if request["overrides"] else []),
        *([f"each row's best of choices {request['choices']}"] if request["choices"] else []),
    ]
    return "; ".join(parts)


def shown_choices(tried: list[Results]) -> tuple[list[str], list[list[str]]]:
    """Heading and lines of what `--choices` tried."""
    head = ["row", "split", "choice", "held-out Prec@1", "taken"]
    return head, [
        [
            each["row"],
            each["split"] or "all",
            in_words(each["choice"]),
            "failed" if each["prec1"] is None else f"{each['prec1']:.1f}",
            "yes" if each["taken"] else "",
        ]
        for each in tried
    ]


def to_csv(results: Results) -> str:
    """One line a cell; what the paper has of a row as `paper`, or in Table V as `paper_HMDB51` and `paper_IXMAS`."""
    out = io.StringIO()
    writer = csv.writer(out)
    systems = list(dict.fromkeys(data for row in results["rows"] for data in row["published"] or ()))
    writer.writerow(
        [
            *("table", "row", "column", "split", "seed", "prec1", "prec5", "multiply_adds", "parameters"),
            *("seconds", "seconds_a_clip", *(f"paper_{data}" for data in systems)),
            *(() if systems else ("paper",)),
            *("folder", "flow_folder"),
        ]
    )
    for row in results["rows"]:
        for cell in row["cells"]:
            place = [results["table"], row["row"], row["column"], cell["split"], cell["seed"]]
            figures = [
                f"{cell['prec1']:.3f}",
                f"{cell['prec5']:.3f}",
                row["multiply_adds"],
                row["parameters"],
            ]
            paper = [(row["published"] or {}).get(data, "") for data in systems]
            paper = paper or [row["paper"][0] if row["paper"] else ""]
            speed = row["seconds_a_clip"]
            figures += [f"{cell['seconds']:.1f}", "" if speed is None else f"{speed:.6f}"]
            writer.writerow([*place, *figures, *paper, cell["folder"], cell["flow_folder"]])
    return out.getvalue()


def unbroken(text: str) -> str:
    """A figure that a page's narrow column breaks before its interval alone."""
    return text.replace(" (", "\n(").replace(" ", "\u00a0").replace("\n", " ")


def to_page(results: Results) -> str:
    """One self-contained page."""
    title = heading(results)
    facts = f"{setting(results)}; farview {results['farview']}, {results['created'][:16].replace('T', ' ')}"
    head, lines = shown(results)
    parts = [table(head, [[line[0], *map(unbroken, line[1:])] for line in lines], "many")]
    for column in dict.fromkeys(row["column"] for row in results["rows"]):
        rows = [row for row in results["rows"] if row["column"] == column]
        ring = (
            "; a ring where the paper has a number, on its own data" if any(r["paper"] for r in rows) else ""
        )
        caption = f"Prec@1 of every cell ({column}): a dot each, a bar at the mean{ring}."
        parts.append(captioned(wide(chart(rows)), caption))
    tried = results["tried"]
    chosen = [section("What was tried", paragraph(HELD_OUT), table(*shown_choices(tried)))] if tried else []
    notes = "".join(f"<li>{escape(note)}</li>" for note in results["notes"])
    body = f'<h1>{escape(title)}</h1>\n<p class="facts">{escape(facts)}</p>\n' + "\n".join(
        [
            section("Figures", paragraph(reading(results)), *parts),
            *chosen,
            section("How to read it", f"<ul>{notes}</ul>"),
        ]
    )
    return page(title, body)


def chart(rows: list[Results]) -> str:
    """Every cell's Prec@1 as a dot, row by row, beside the paper's."""
    with style():
        drawn = figure(8.0, 0.36 * len(rows) + 0.7)
        axes: Any = drawn.subplots()
        for place, row in enumerate(reversed(rows)):
            figures = [cell["prec1"] for cell in row["cells"]]
            axes.plot(figures, [place] * len(figures), "o", color="#1f9d8a", markersize=4.5, alpha=0.6)
            axes.plot([row["prec1"]] * 2, [place - 0.3, place + 0.3], color="#1f9d8a", linewidth=2.5)
            if row["paper"]:
                axes.plot(row["paper"][0], place, "o", color="#dd8033", markersize=6, fillstyle="none")
        axes.set_yticks(range(len(rows)), [row["row"] for row in reversed(rows)])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", linewidth=0.4, alpha=0.4)
        axes.set_xlabel("Prec@1, percent")
        return svg(drawn, "Prec@1 of every row")
