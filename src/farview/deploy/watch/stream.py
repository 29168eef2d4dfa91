"""`farview evaluate --stream`: how good is a model at finding actions in long recordings."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from farview.console import progress
from farview.data.layout import nearest
from farview.data.spans import BACKGROUND, Span, read_spans
from farview.deploy.watch.matching import Matching, match
from farview.deploy.watch.recorded import watch_recording
from farview.deploy.watch.setup import Settings, set_up
from farview.errors import FarviewError
from farview.models.sight import described


@dataclass(frozen=True)
class Found:
    """How the spans of one label, or of all, were found."""

    spans: int
    missed: int
    delay: float | None
    """Median seconds from a span's start to the first answer that finds it; None where all are missed."""
    delay_worst: float | None
    false: int
    false_per_hour: float
    """Of recording."""


@dataclass(frozen=True)
class StreamEvaluation:
    """Figures of one model on labelled recordings."""

    model: str
    spans: str
    recordings: int
    hours: float
    tolerance: float
    """Seconds after a span's end in which it may still be found."""
    overall: Found
    per_label: dict[str, Found]

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def evaluate_stream(
    model: str | Path,
    table: str | Path,
    settings: Settings | None = None,
    tolerance: float | None = None,
    quiet: bool = False,
) -> StreamEvaluation:
    """Watch every recording of `table` (CSV: path,start,end,label) and match what was said with its spans.

    `tolerance` in seconds; None: the length of a window. Raises `FarviewError` where the table or a recording cannot
    be read.
    """
    setup = set_up(model, settings or Settings())
    spans = actions_of(Path(table), setup.contract.classes)
    tolerance = setup.plan.seconds if tolerance is None else tolerance
    if not 0 <= tolerance < math.inf:
        raise FarviewError(f"--tolerance: {tolerance} must be at least 0, in seconds")
    matched, seconds = {}, 0.0
    with progress("watching", quiet) as update:
        for done, (path, labelled) in enumerate(spans.items(), 1):
            answers, last = [], 0.0
            for report in watch_recording(setup, described(path, setup.contract.trained)):
                answers.append((report.seconds, report.answer.action))
                last = report.seconds
            seconds += last
            matched[path] = match(labelled, answers, tolerance)
            if update is not None:
                update(done, len(spans))
    hours = seconds / 3600
    labels = sorted({span.label for each in spans.values() for span in each} | raised(matched.values()))
    return StreamEvaluation(
        str(model),
        str(table),
        len(spans),
        hours,
        tolerance,
        found(spans, matched, hours),
        {label: found(spans, matched, hours, label) for label in labels},
    )


def raised(matched: Any) -> set[str]:
    """Labels of false alarms."""
    return {alarm.label for each in matched for alarm in each.false}


def found(
    spans: Mapping[Path, Sequence[Span]],
    matched: Mapping[Path, Matching],
    hours: float,
    label: str | None = None,
) -> Found:
    """Figures over all recordings, of one label or of all."""
    delays = [
        delay
        for path, labelled in spans.items()
        for span, delay in zip(labelled, matched[path].delays, strict=True)
        if label in (None, span.label)
    ]
    false = sum(label in (None, alarm.label) for each in matched.values() for alarm in each.false)
    there = [delay for delay in delays if delay is not None]
    return Found(
        len(delays),
        len(delays) - len(there),
        statistics.median(there) if there else None,
        max(there, default=None),
        false,
        false / hours if hours else 0.0,
    )


def actions_of(table: Path, classes: Sequence[str]) -> dict[Path, list[Span]]:
    """Recording -> its spans with an action. Raises `FarviewError` where `read_spans` does and for unknown classes."""
    made = {}
    for each in read_spans(table):
        made[each.path] = [span for span in each.spans if span.label != BACKGROUND]
        for span in made[each.path]:
            if span.label not in classes:
                raise FarviewError(
                    f"{each.where}: class '{span.label}' is unknown to the model{nearest(span.label, classes)}, "
                    f"which knows: {', '.join(classes)}"
                )
    return made


def print_stream_evaluation(result: StreamEvaluation) -> None:
    """A line a label, then all together."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"[bold]{result.model}[/] on {result.recordings} recordings of {result.spans}, "
        f"{3600 * result.hours:.0f} s; a span may be found up to {result.tolerance:.1f} s after its end"
    )
    table = Table("label", "spans", "missed", "delay s (median, worst)", "false alarms", "an hour")
    for name, each in [*result.per_label.items(), ("all", result.overall)]:
        delay = "" if each.delay is None else f"{each.delay:.1f}, {each.delay_worst:.1f}"
        table.add_row(
            name, str(each.spans), str(each.missed), delay, str(each.false), f"{each.false_per_hour:.1f}"
        )
    console.print(table)
