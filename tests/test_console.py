"""What long work says of itself where nobody sees a bar."""

import pytest

from farview import console
from farview.console import progress, watched


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Items of 12 s each: a line after the third, the sixth and so on, and none after short work."""
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    for _ in watched(range(7), 7, "describing"):
        now[0] += 12
    said = capsys.readouterr().err
    assert said == "farview: describing: 3 of 7\nfarview: describing: 6 of 7\n"
    for _ in watched(range(7), 7, "describing"):
        now[0] += 1
    assert capsys.readouterr().err == ""
    with progress("describing", quiet=True) as update:
        assert update is None
