"""Answers against labelled spans, worked by hand."""

from farview.data.spans import Span
from farview.deploy.watch.matching import Alarm, Said, alarms, match


def test_answers_to_alarms() -> None:
    answers = [(1.0, None), (2.0, "a"), (3.0, "a"), (4.0, None), (5.0, "a"), (6.0, "b"), (7.0, "b")]
    assert alarms(answers) == [Alarm("a", 2.0, 3.0), Alarm("a", 5.0, 5.0), Alarm("b", 6.0, 7.0)]
    assert alarms([]) == []


def said(until: int, **times: list[int]) -> list[Said]:
    """An answer a second, with the actions at the times given."""
    actions = {time: action for action, each in times.items() for time in each}
    return [(float(time), actions.get(time)) for time in range(until)]


def test_found_missed_and_false() -> None:
    spans = [Span(10, 20, "a"), Span(30, 40, "a"), Span(50, 60, "b")]
    answers = said(70, a=[3, 4, 12, 13, 19, 43, 44], b=[35, 36])
    made = match(spans, answers, tolerance=4.0)
    assert made.delays == (2.0, 13.0, None)  # the second within the tolerance behind its end
    assert made.false == (Alarm("a", 3.0, 4.0), Alarm("b", 35.0, 36.0))
    strict = match(spans, answers, tolerance=2.0)
    assert strict.delays == (2.0, None, None)
    assert strict.false == (*made.false, Alarm("a", 43.0, 44.0))


def test_an_early_alarm_finds_its_span_once_that_begins_and_is_not_false_within_the_tolerance() -> None:
    spans, answers = [Span(9.5, 10.5, "a")], said(20, a=[8, 9, 10, 11])
    assert match(spans, answers, 2).delays == (0.5,) and match(spans, answers, 2).false == ()
    assert match(spans, answers, 0).false == (Alarm("a", 8.0, 9.0), Alarm("a", 11.0, 11.0))


def test_an_alarm_that_never_ends_finds_everything_and_is_false_in_every_pause() -> None:
    made = match([Span(10, 12, "a"), Span(20, 22, "a")], said(30, a=list(range(30))), 2)
    assert made.delays == (0.0, 0.0)
    assert made.false == (Alarm("a", 0.0, 7.0), Alarm("a", 15.0, 17.0), Alarm("a", 25.0, 29.0))


def test_recordings_without_spans_or_alarms() -> None:
    assert match([], said(3, a=[1]), 5).false == (Alarm("a", 1.0, 1.0),)
    assert match([Span(0, 1, "a")], [], 5).delays == (None,)
