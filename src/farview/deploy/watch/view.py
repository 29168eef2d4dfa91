"""What `farview watch` shows in a terminal: the coarse picture in colour, and what is said of it."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

import cv2
import numpy as np
from rich.color import Color
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.style import Style
from rich.table import Table
from rich.text import Text

from farview.deploy.watch.cameras import Watched
from farview.deploy.watch.setup import Report
from farview.frames.source import Image

WIDEST = 48
"""Columns of a picture, at most; small pixels are enlarged by a whole number up to that."""
SHOWN = 5
"""Classes, the most likely first."""
RATE = 8.0
"""Pictures a second."""


class View:
    """Context manager; call it with each report, and `look` now and then."""

    def __init__(self, console: Console | None = None) -> None:
        self._live = Live(console=console, auto_refresh=False)
        self._reports: dict[str, Report] = {}
        self._shown = 0.0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._live)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, report: Report) -> None:
        """Show an answer from now on."""
        self._reports[report.source] = report

    def look(self, watched: Sequence[Watched]) -> None:
        """Draw what there is, unless that was done a moment ago."""
        if time.monotonic() - self._shown < 1 / RATE:
            return
        self._shown = time.monotonic()
        columns = self._live.console.width
        self._live.update(drawn(watched, self._reports, columns), refresh=True)


def drawn(watched: Sequence[Watched], reports: dict[str, Report], columns: int = WIDEST) -> RenderableType:
    """One source with its picture and the scores; a line each where there are several."""
    if len(watched) > 1:
        return table(watched, reports)
    (one,) = watched
    report, grid = reports.get(one.channel.name), one.channel.window.grid
    parts: list[RenderableType] = [picture(grid.image(grid.end - 1), columns)] if len(grid) else []
    if report is None:
        parts.append(Text("waiting for frames" if not len(grid) else "filling the first window", "dim"))
    else:
        best = sorted(report.answer.scores.items(), key=lambda item: -item[1])[:SHOWN]
        parts.append(Text(report.to_line(), "bold" if report.answer.action else ""))
        parts.append(
            Text("\n".join(f"{score:5.2f} {'█' * round(20 * score):20} {name}" for name, score in best))
        )
    return Group(*parts)


def table(watched: Sequence[Watched], reports: dict[str, Report]) -> Table:
    """A line a source."""
    made = Table("source", "answer", "score", "age s", "dropped", "skipped")
    now = time.monotonic()
    for each in watched:
        report = reports.get(each.channel.name)
        age = "" if each.newest is None else f"{now - each.newest:.1f}"
        state = "ended" if each.feed.ended else "waiting"
        made.add_row(
            each.channel.name,
            state if report is None else report.answer.label,
            "" if report is None else f"{report.answer.score:.2f}",
            age,
            str(each.feed.dropped),
            str(each.channel.window.skipped),
        )
    return made


def picture(image: Image, columns: int = WIDEST) -> Text:
    """(h, w, 1 or 3) as half blocks, in `columns` at most: a character shows two pixels, one above the other."""
    columns = min(columns, WIDEST)
    height, width = image.shape[:2]
    times = max(1, columns // width)
    size = (times * width, times * height)
    if width > columns:
        size = (columns, max(1, round(height * columns / width)))
    large = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if width > columns else cv2.INTER_NEAREST_EXACT
    )
    rgb = np.broadcast_to(large.reshape(size[1], size[0], -1), (size[1], size[0], 3))
    text = Text()
    for top in range(0, size[1], 2):
        bottom = min(top + 1, size[1] - 1)
        for column in range(size[0]):
            upper, lower = (Color.from_rgb(*map(int, rgb[row, column])) for row in (top, bottom))
            text.append("▀", Style(color=upper, bgcolor=lower))
        text.append("\n")
    return text
