"""Live sources by themselves; over the wire they are tried in `tests/deploy`."""

import pytest

from farview.frames import camera
from farview.frames.camera import Device, Pace, Stream, camera_of


def test_a_pace_waits_until_a_frame_is_due_and_tells_how_late_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of its own: the first frame's time counts from there, a sleep ends when it says."""
    clock = [100.0]
    monkeypatch.setattr(camera.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(camera.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    pace = Pace()
    assert pace.wait(5.0) == 0 and clock[0] == 100.0
    assert pace.wait(5.5) == 0 and clock[0] == 100.5
    clock[0] = 103.0
    assert pace.wait(6.0) == pytest.approx(2.0) and clock[0] == 103.0
    assert pace.wait(9.0) == 0 and clock[0] == 104.0


def test_what_a_text_names() -> None:
    assert camera_of("2") == Device(2)
    assert camera_of("rtsp://user:word@host/a?key=1") == Stream("rtsp://user:word@host/a?key=1")
    assert Stream("rtsp://user:word@host/a?key=1").name == "rtsp://***@host/a?***"
    assert camera_of("clip.mp4") is None
