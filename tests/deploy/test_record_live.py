"""`farview record` of live sources: frames with their times, whatever becomes of stream, disk or process."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pytest

from farview.deploy.record import plain, record, target
from farview.deploy.record_live import record_live
from farview.errors import FarviewError, UnreadableClip
from farview.frames.camera import Stream, Timed
from farview.frames.open import source_of
from farview.frames.recording import read, read_origin
from farview.frames.sensor import SensorModel
from tests.deploy.cameras import HttpCamera, Kind
from tests.deploy.rtsp import RtspCamera
from tests.deploy.test_record import SETTINGS, hr_frames
from tests.frames.videos import moving_picture, write_video


@pytest.mark.parametrize("kind", ["mjpeg", "mpegts", "rtsp"])
def test_a_stream_is_recorded_with_its_times(tmp_path: Path, kind: Kind | Literal["rtsp"]) -> None:
    frames = hr_frames(200)
    with RtspCamera(frames, 20) if kind == "rtsp" else HttpCamera(frames, 20.0, kind) as camera:
        record(camera.address, tmp_path / "a.mkv", replace(SETTINGS, seconds=2.0), quiet=True)
    kept, times = read(tmp_path / "a.mkv")
    clean = SensorModel(6, 8, noise=0.0).degrade(frames, range(len(frames))).astype(float)
    first = int(np.argmin(np.abs(clean - kept[0]).mean((1, 2, 3))))  # H.264 starts at the next keyframe
    assert np.abs(kept - clean[first : first + len(kept)]).mean() < 12  # noise and the stream's own losses
    assert np.abs(kept[1:] - clean[first : first + len(kept) - 1]).mean() > 40  # another frame is far off
    steps = np.diff(times[-20:])
    assert 10 < len(kept) <= 75  # MPEG-TS starts with what came while it was looked at
    assert abs(steps.mean() - 0.05) < 0.02
    origin = read_origin(tmp_path / "a.mkv")
    assert (
        origin.started is not None and origin.rate is None
    )  # which is 20, not the 25 of sources without times
    with source_of(tmp_path / "a.mkv").open() as opened:
        assert opened.fps == pytest.approx(20, rel=0.15)


def test_a_file_at_an_address_plays_at_its_own_speed(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    write_video(tmp_path / "web" / "a.mkv", moving_picture(30, 48, 64))

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=tmp_path / "web")) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        record(f"http://127.0.0.1:{server.server_port}/a.mkv", tmp_path / "a.mkv", SETTINGS, quiet=True)
        server.shutdown()
    times = read(tmp_path / "a.mkv")[1]
    assert len(times) == 30 and abs(times[-1] - 29 / 25) < 0.3


def test_a_source_that_ends_without_a_frame_is_an_error(tmp_path: Path) -> None:
    class Empty(Stream):
        def frames(self) -> Generator[Timed]:
            yield from ()

    with pytest.raises(UnreadableClip, match="http://host/a: ended without a frame"):
        record_live(Empty("http://host/a"), tmp_path / "a.mkv", SETTINGS, quiet=True)


def test_a_lost_stream_is_connected_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farview.deploy.live.SHORTEST", 0.2)
    frames = hr_frames(50)
    with HttpCamera(frames, 20.0) as camera:
        threading.Timer(0.7, camera.lose).start()
        record(camera.address, tmp_path / "a.mkv", replace(SETTINGS, seconds=2.0), quiet=True)
        assert camera.connections == 2
    times = read(tmp_path / "a.mkv")[1]
    assert times[-1] > 1.8 and 0.2 < np.diff(times).max() < 1.0


def test_a_time_limit_holds_for_a_stream_that_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers any more after the first frames; without a limit it would be tried for ever."""
    monkeypatch.setattr("farview.deploy.record_live.GRACE", 0.2)

    class Dying(Stream):
        def frames(self) -> Generator[Timed]:
            if not connections:
                yield from ((n / 10, image) for n, image in enumerate(hr_frames(3)))
            connections.append(self)
            raise UnreadableClip("lost")

    connections: list[Stream] = []
    count = record_live(
        Dying("http://host/a"), tmp_path / "a.mkv", replace(SETTINGS, seconds=0.5), quiet=True
    )
    assert count == len(read(tmp_path / "a.mkv")[0]) == 3


def test_a_stream_that_was_never_there_is_an_error_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(UnreadableClip, match=r"rtsp://\*\*\*@127\.0\.0\.1:9/x: Connection refused") as error:
        record("rtsp://me:secret@127.0.0.1:9/x", tmp_path / "a.mkv", SETTINGS)
    assert "secret" not in str(error.value) and not (tmp_path / "a.mkv").exists()
    assert Stream("http://me:sec@ret@host/x").name == "http://***@host/x"
    assert Stream("http://host/x?pwd=secret").name == "http://host/x?***"
    assert target(plain(Stream("rtsp://me:secret@host:554/x").name), tmp_path).name == "rtsp-host-554-x.mkv"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_recording_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "a.mkv"
    with HttpCamera(hr_frames(50), 20.0) as camera:
        command = [sys.executable, "-m", "farview", "record", camera.address, str(out)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        limit = time.monotonic() + 60
        while not (out.exists() and out.stat().st_size > 1000) and time.monotonic() < limit:
            time.sleep(0.1)
        process.send_signal(number)
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and errors == "", errors
    assert f"{len(read(out)[0])} frames of 12x16" in printed
    with source_of(out).open() as opened:
        assert len(opened) > 5


def test_a_full_disk_ends_a_live_recording_by_name(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    os.symlink("/dev/full", tmp_path / "full.mkv")

    class Full(type(tmp_path)):  # type: ignore[misc]
        """Opens what is there already, as a device always is."""

        def open(self, mode: str = "r", **options: Any) -> IO[Any]:
            return super().open(mode.replace("x", "w"), **options)

    with (
        HttpCamera(hr_frames(50), 50.0) as camera,
        pytest.raises(FarviewError, match=r"full\.mkv: cannot be written: No space left"),
    ):
        record_live(Stream(camera.address), Full(tmp_path / "full.mkv"), SETTINGS, quiet=True)
