"""Pieces of a page that needs nothing beside itself: pictures inlined, text escaped."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template

import numpy as np

from farview.experiments.pictures import Row, data_uri, encode, strip, tallest
from farview.frames.source import Image


def page(title: str, body: str) -> str:
    """The whole HTML document."""
    template = Template(files("farview.experiments").joinpath("report.html").read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), body=body)


def section(title: str, *parts: str) -> str:
    """A titled part of the page."""
    inner = "\n".join(parts)
    return f'<section id="{anchor(title)}">\n<h2>{escape(title)}</h2>\n{inner}\n</section>'


def anchor(title: str) -> str:
    """What a link to a section says."""
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def left_out(why: str) -> str:
    """A word in place of what cannot be shown."""
    return f'<p class="left-out">Left out: {escape(why)}</p>'


def captioned(content: str, caption: str, name: str = "") -> str:
    """A figure with its caption."""
    return f'<figure class="{name}">\n{content}\n<figcaption>{escape(caption)}</figcaption>\n</figure>'


def wide(chart: str, name: str = "") -> str:
    """A chart that a narrow screen scrolls instead of shrinking."""
    return f'<div class="scroll {name}">{chart}</div>'


def picture(content: bytes, kind: str, description: str, name: str = "") -> str:
    """An inlined image; `kind` is webp or png."""
    return f'<img class="{name}" src="{data_uri(content, f"image/{kind}")}" alt="{escape(description)}">'


def strips(rows: Sequence[Row], of: str) -> str:
    """Rows of pictures with their labels and temporal weights, all columns aligned; `of` names the clip."""
    full_bar = tallest(rows)
    lines = []
    for row in rows:
        note = f' <span class="note">{escape(row.note)}</span>' if row.note else ""
        lines.append(f'<div class="label"><b>{escape(row.label)}</b>{note}</div>')
        if row.pictures is not None:
            joined = strip(row.pictures)
            lines.append(picture(*smallest(joined), f"{row.label}, {of}", "strip"))
        if row.weights is not None:
            lines.append(bars(row.weights, full_bar, row.colour))
    return '<div class="scroll"><div class="strips">' + "\n".join(lines) + "</div></div>"


def smallest(image: Image) -> tuple[bytes, str]:
    """An image's file content and kind: exact PNG where that is no larger than WebP (flat squares), else WebP."""
    exact, small = encode(image, ".png"), encode(image, ".webp", 75)
    return (exact, "png") if len(exact) <= 1.5 * len(small) else (small, "webp")


def bars(weights: np.ndarray, full_bar: float, colour: str) -> str:
    """Temporal attention (K,): a bar for each interval, full height at `full_bar`, a line at the even weight 1/K."""
    even = 100 / len(weights) / full_bar
    cells = "".join(
        f'<span><i style="height:{100 * w / full_bar:.1f}%"></i><em>{100 * w:.0f}</em></span>'
        for w in weights
    )
    return f'<div class="bars" style="--even:{even:.1f}%;--tone:{colour}">{cells}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], name: str = "") -> str:
    """A table; the first column names the rows. `many`: of many columns, whose words may go to a next line."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll {name}"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )
