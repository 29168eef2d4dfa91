"""Answers against labelled spans: misses, delay, false alarms. Pure functions; times in seconds.

The rule. A span is found by the first sure answer of its action between its start and `tolerance` seconds behind its
end, since a window still looks back on it then; the delay is that answer's time after the start. A span without such an
answer is missed. An answer is false where it lies more than `tolerance` from every span of its action; false answers of
one action that follow one another are one false alarm, so that an alarm that never ends counts once in every pause.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farview.data.spans import Span

Said = tuple[float, str | None]
"""The time of an answer, and the action where it is a sure one."""


@dataclass(frozen=True)
class Alarm:
    """Answers one after the other with one action."""

    label: str
    first: float
    last: float


@dataclass(frozen=True)
class Matching:
    """What became of one recording's spans, and the false alarms in it."""

    delays: tuple[float | None, ...]
    """Of each span; None where it was missed."""
    false: tuple[Alarm, ...]


def match(spans: Sequence[Span], answers: Sequence[Said], tolerance: float) -> Matching:
    """Lay the answers in one recording, in order of time, against its spans by the rule above."""
    delays = [
        next((time - span.start for time, action in answers if finds(span, time, action, tolerance)), None)
        for span in spans
    ]

    def near(time: float, action: str | None) -> bool:
        return any(
            action == span.label and span.start - tolerance <= time <= span.end + tolerance for span in spans
        )

    wrong = [(time, None if near(time, action) else action) for time, action in answers]
    return Matching(tuple(delays), tuple(alarms(wrong)))


def finds(span: Span, time: float, action: str | None, tolerance: float) -> bool:
    """Whether an answer finds a span."""
    return action == span.label and span.start <= time <= span.end + tolerance


def alarms(answers: Iterable[Said]) -> list[Alarm]:
    """Runs of answers with one action."""
    made: list[Alarm] = []
    before: str | None = None
    for time, action in answers:
        if action is not None and action == before:
            made[-1] = Alarm(action, made[-1].first, time)
        elif action is not None:
            made.append(Alarm(action, time, time))
        before = action
    return made
