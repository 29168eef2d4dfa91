"""Alarms against labelled spans: misses, delay, false alarms per hour. Pure functions; times in seconds.

The rule. Answers that follow one another with the same sure action are one alarm, from the first to the last of them.
A span is found by an alarm of its label that goes on while the span does, or begins within `tolerance` after its end,
since a window still looks back on it then; its delay is the time from its start to the first such answer in that time.
A span that none finds is missed. An alarm is false if it finds no span of its label. Two alarms may find one span, and
one alarm several.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farview.data.spans import Span


@dataclass(frozen=True)
class Alarm:
    """Answers one after the other with one action; `times` of each, at least one, ascending."""

    label: str
    times: tuple[float, ...]

    def first_within(self, start: float, end: float) -> float | None:
        """The first answer in `start`..`end`, both included."""
        return next((time for time in self.times if start <= time <= end), None)


@dataclass(frozen=True)
class Matching:
    """What became of one recording's spans and alarms."""

    delays: tuple[float | None, ...]
    """Of each span; None where it was missed."""
    false: tuple[Alarm, ...]


def alarms(answers: Iterable[tuple[float, str | None]]) -> list[Alarm]:
    """From answers (time, sure action or None), in order of time."""
    made: list[Alarm] = []
    before: str | None = None
    for time, action in answers:
        if action is not None and action == before:
            made[-1] = Alarm(action, (*made[-1].times, time))
        elif action is not None:
            made.append(Alarm(action, (time,)))
        before = action
    return made


def match(spans: Sequence[Span], raised: Sequence[Alarm], tolerance: float) -> Matching:
    """Lay alarms and spans of one recording against each other by the rule above."""

    def found(span: Span, alarm: Alarm) -> float | None:
        if alarm.label != span.label:
            return None
        return alarm.first_within(span.start, span.end + tolerance)

    delays = []
    for span in spans:
        times = [time for alarm in raised if (time := found(span, alarm)) is not None]
        delays.append(min(times) - span.start if times else None)
    false = tuple(alarm for alarm in raised if all(found(span, alarm) is None for span in spans))
    return Matching(tuple(delays), false)
