"""Alarms against labelled spans, worked by hand."""

from farview.data.spans import Span
from farview.deploy.watch.matching import Alarm, alarms, match


def test_answers_to_alarms() -> None:
    answers = [(1.0, None), (2.0, "a"), (3.0, "a"), (4.0, None), (5.0, "a"), (6.0, "b"), (7.0, "b")]
    assert alarms(answers) == [Alarm("a", (2.0, 3.0)), Alarm("a", (5.0,)), Alarm("b", (6.0, 7.0))]
    assert alarms([]) == []


def test_found_missed_and_false() -> None:
    spans = [Span(10, 20, "a"), Span(30, 40, "a"), Span(50, 60, "b")]
    raised = [
        Alarm("a", (5.0, 6.0)),  # before anything: false
        Alarm("a", (12.0, 13.0)),  # finds the first, 2 s late
        Alarm("a", (19.0,)),  # finds it again: not false
        Alarm("b", (35.0,)),  # while another action goes on: false
        Alarm("a", (43.0, 44.0)),  # 3 s after the end of the second: within a tolerance of 4
    ]
    made = match(spans, raised, tolerance=4.0)
    assert made.delays == (2.0, 13.0, None)
    assert made.false == (raised[0], raised[3])
    strict = match(spans, raised, tolerance=2.0)
    assert strict.delays == (2.0, None, None)
    assert strict.false == (raised[0], raised[3], raised[4])


def test_an_alarm_that_began_too_early_finds_its_span_once_that_begins() -> None:
    raised = [Alarm("a", (8.0, 9.0, 10.0, 11.0))]
    made = match([Span(9.5, 10.5, "a")], raised, 0)
    assert made.delays == (0.5,) and made.false == ()


def test_one_alarm_may_find_two_spans() -> None:
    made = match([Span(0, 2, "a"), Span(3, 5, "a")], [Alarm("a", (1.0, 2.0, 3.0, 4.0))], 0)
    assert made.delays == (1.0, 0.0) and made.false == ()


def test_recordings_without_spans_or_alarms() -> None:
    assert match([], [Alarm("a", (1.0,))], 5).false == (Alarm("a", (1.0,)),)
    assert match([Span(0, 1, "a")], [], 5).delays == (None,)
