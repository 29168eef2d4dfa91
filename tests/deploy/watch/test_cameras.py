"""`farview watch` before cameras: newest frames only, many at once, lost ones, stalled ones, a folder that fills."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.cli import main
from farview.deploy.watch.cameras import Load, watch_feeds
from farview.deploy.watch.feed import Feed, Played
from farview.deploy.watch.setup import Report, Settings, Setup, set_up
from farview.deploy.watch.watch import read_sources, watch
from farview.errors import FarviewError, UnreadableClip
from farview.frames.arrays import MemoryFrames
from farview.frames.camera import Stream, Timed
from farview.frames.filling import FillingFolder
from farview.frames.source import Images
from farview.models.recogniser import Recogniser
from farview.models.sight import described
from tests.deploy.cameras import HttpCamera
from tests.deploy.rtsp import RtspCamera
from tests.deploy.test_record import hr_frames
from tests.deploy.watch.models import elr_frames, save


@dataclass
class Fake:
    """A camera that gives its frames as fast as it can, states their times, and then does what `after` says."""

    images: Images
    rate: float | None = 10.0
    after: str = "end"
    name: str = "fake"
    taken: float | None = None
    opened: int = 0

    def frames(self) -> Generator[Timed]:
        self.opened += 1
        if self.after == "dead":
            raise UnreadableClip(f"{self.name}: is dead")
        for number, image in enumerate(self.images):
            yield None if self.rate is None else number / self.rate, image
        if self.after == "stall":
            threading.Event().wait()


class Paced(Fake):
    """Shows its first frame all the time, about ten times a second."""

    def frames(self) -> Generator[Timed]:
        for _ in self.images:
            yield None, self.images[0]
            time.sleep(0.1)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return set_up(save(tmp_path / "model.safetensors"), Settings(rate=10, hop=0.2))


def feed(setup: Setup, camera: Fake, stop: threading.Event, said: list[str], capacity: int = 500) -> Feed:
    return Feed(camera.name, camera, setup.see, capacity, stop, said.append, patient=True)  # type: ignore[arg-type]


def test_only_the_newest_frames_are_kept_and_the_others_counted(setup: Setup) -> None:
    frames, stop = elr_frames(100), threading.Event()
    made = feed(setup, Fake(frames), stop, [], capacity=10)
    made.start()
    made._thread.join(30)
    taken = made.take()
    np.testing.assert_array_equal([image for _, image in taken], frames[-10:])
    assert made.dropped == 90 and made.ended and made.take() == [] and made.error is None


def test_a_source_that_ends_without_a_frame_is_named(setup: Setup) -> None:
    said: list[str] = []
    made = feed(setup, Fake(elr_frames(1)[:0], name="hall"), threading.Event(), said)
    made.start()
    made._thread.join(30)
    assert str(made.error) == said[0] == "hall: ended without a frame"


def test_a_camera_is_told_when_its_newest_frame_was_taken(setup: Setup) -> None:
    """Times that run slower than ours: the frame that came quickest tells how the two lie."""

    class Late(Fake):
        def frames(self) -> Generator[Timed]:
            for number, image in enumerate(self.images):
                stated = 0.0 if number < 2 else -1.5  # came 1.5 s later than the first one did
                yield stated, image
                told.append(time.monotonic() - self.taken if self.taken else None)

    told: list[float | None] = []
    made = feed(setup, Late(elr_frames(3)), threading.Event(), [])
    made.start()
    made._thread.join(30)
    first, _, last = told
    assert first is not None and last is not None and 0 <= first < 1 and last >= 1.5


def test_a_pause_of_the_reader_is_made_up_for_without_keyframes() -> None:
    """An MPEG-TS whose only keyframe is the first, and something that took the processor for 1.6 s."""
    seen: list[Images] = []
    stop = threading.Event()

    def see(image: Images, number: int) -> Images:
        seen.append(image)
        if number == 20:
            time.sleep(1.6)
        return image

    with HttpCamera(hr_frames(50), 20.0, "mpegts", gop=100_000) as camera:
        made = Feed("hall", Stream(camera.address), see, 10, stop, print)
        made.start()
        until = time.monotonic() + 30
        while len(seen) < 60 and time.monotonic() < until:
            time.sleep(0.05)
        moment, _ = made.take()[-1]
        late = time.monotonic() - moment
        stop.set()
        made.join(10)
    assert len(seen) >= 60 and late < 1.6  # it was as far behind after its pause
    assert np.abs(seen[-1] - hr_frames(50).astype(float)).mean((1, 2, 3)).min() < 12  # nothing is smeared


def test_a_recording_that_decodes_too_slowly_is_not_lost_sight_of(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame of its every second is shown, however late."""
    monkeypatch.setattr("farview.deploy.watch.feed.Pace.wait", lambda self, moment: 5.0)
    played = Played(MemoryFrames(elr_frames(40)), setup.contract, 10.0)
    moments = [moment for moment, _ in played.frames()]
    assert moments == pytest.approx([0, 1, 2, 3])


def test_dead_and_stalled_cameras_hold_up_nobody(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farview.deploy.live.SHORTEST", 0.01)
    monkeypatch.setattr("farview.deploy.watch.cameras.SILENT", 0.3)
    stop, said, reports = threading.Event(), [], []
    good, stalled, dead = (
        Paced(elr_frames(600, 1), name="good"),
        Fake(elr_frames(3, 2), name="stalled", after="stall"),
        Fake(elr_frames(1), name="dead", after="dead"),
    )
    feeds = [feed(setup, camera, stop, said) for camera in (dead, stalled, good)]

    def tell(report: Report) -> None:
        reports.append(report)
        stop.set()

    watch_feeds(setup, feeds, stop, tell)
    assert {report.source for report in reports} == {"good"}
    assert dead.opened > 1 and "dead: is dead; next attempt in" in said[0]
    assert sum("stalled: no frames for" in text for text in said) == 1
    assert reports[0].load > 0 and reports[0].age is not None and reports[0].time is not None


def test_several_cameras_in_one_go_equal_each_by_itself(setup: Setup, tmp_path: Path) -> None:
    stop, reports = threading.Event(), []
    images = {f"camera{n}": elr_frames(20, n) for n in range(3)}
    feeds = [feed(setup, Paced(frames, name=name), stop, []) for name, frames in images.items()]
    watch_feeds(setup, feeds, stop, reports.append)
    assert {report.source for report in reports} == set(images)
    recogniser = Recogniser(tmp_path / "model.safetensors")
    assert all(report.dropped == 0 for report in reports)
    alone = {name: recogniser.recognise(frames[:1]).probabilities for name, frames in images.items()}
    for report in reports:
        np.testing.assert_allclose(
            list(report.answer.scores.values()), alone[report.source], rtol=1e-3, atol=1e-5
        )


def test_a_lost_stream_is_connected_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("farview.deploy.live.SHORTEST", 0.1)
    model = save(tmp_path / "model.safetensors")
    with HttpCamera(hr_frames(50), 20.0) as camera:
        threading.Timer(2.0, camera.lose).start()
        end_when(lambda: camera.connections >= 2, 1.5)
        main(["watch", str(model), camera.address, "--json", "--hop", "0.2", "--rate", "20"])
        assert camera.connections == 2
    out, err = capsys.readouterr()
    assert "next attempt in" in err
    made = [json.loads(line) for line in out.splitlines()]
    assert len(made) > 3 and all(line["source"] == camera.address for line in made)
    assert all(line["age"] >= 0 and line["time"] for line in made)


def end_when(done: object, then: float, limit: float = 60) -> None:
    """Ctrl-C `then` seconds after `done()` is true."""

    def wait() -> None:
        until = time.monotonic() + limit
        while not done() and time.monotonic() < until:  # type: ignore[operator]
            time.sleep(0.05)
        time.sleep(then)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait, daemon=True).start()


def test_a_signal_ends_it_in_good_order(tmp_path: Path) -> None:
    model = save(tmp_path / "model.safetensors")
    with RtspCamera(hr_frames(50), 20) as camera:
        command = [sys.executable, "-m", "farview", "watch", str(model), camera.address, "--json"]
        process = subprocess.Popen(
            [*command, "--hop", "0.2", "--rate", "20"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and errors == "", errors
    assert first["source"].startswith("rtsp://***@127.0.0.1")


def test_sources_of_a_file_by_name(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """An RTSP camera, an address where nobody answers, and a recording that plays and ends."""
    model = save(tmp_path / "model.safetensors")
    np.save(tmp_path / "clip.npy", elr_frames(30))
    with RtspCamera(hr_frames(20), 20) as rtsp:
        (tmp_path / "sources.txt").write_text(
            f"# cameras\nhall {rtsp.address}\n\ngone http://me:secret@127.0.0.1:9/x\nfile {tmp_path}/clip.npy\n"
        )
        seen: set[str] = set()
        end_when(lambda: seen_in(capsys, seen) >= {"hall", "file"}, 0)
        sources = ["--sources", str(tmp_path / "sources.txt")]
        main(["watch", str(model), *sources, "--json", "--hop", "0.2", "--rate", "20"])
    assert seen >= {"hall", "file"}
    assert "gone" not in seen


def seen_in(capsys: pytest.CaptureFixture, seen: set[str]) -> set[str]:
    out, err = capsys.readouterr()
    assert "secret" not in out + err
    seen.update(json.loads(line)["source"] for line in out.splitlines())
    return seen


def test_a_folder_that_fills(setup: Setup, tmp_path: Path) -> None:
    folder, stop, reports = tmp_path / "in", threading.Event(), []
    folder.mkdir()
    made = Feed("folder", FillingFolder(folder, print), setup.see, 50, stop, print)

    def fill() -> None:
        for number in range(200):
            if stop.is_set():
                return
            cv2.imwrite(str(folder / f"{number:03d}.png"), elr_frames(1, number)[0])
            time.sleep(0.05)

    def tell(report: Report) -> None:
        reports.append(report)
        stop.set()

    filler = threading.Thread(target=fill)
    filler.start()
    watch_feeds(setup, [made], stop, tell)
    filler.join()
    assert len(reports) == 1 and reports[0].source == "folder"


def test_images_of_a_folder_that_are_passed_over_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    cv2.imwrite(str(tmp_path / "0.png"), elr_frames(1)[0])
    frames = FillingFolder(tmp_path, said.append).frames()

    def fill() -> None:
        while not said:
            time.sleep(0.01)
        (tmp_path / "1.png").write_bytes(b"no image")
        cv2.imwrite(str(tmp_path / "2.png"), elr_frames(1, 2)[0])

    filler = threading.Thread(target=fill)
    filler.start()
    _, image = next(frames)
    filler.join()
    assert image.shape == elr_frames(1)[0].shape
    assert said[0] == f"{tmp_path}: 1 images are there already; frames are those that come"
    assert len(said) == 2 and str(tmp_path / "1.png") in said[1]


def test_a_source_of_another_size_is_not_tried_again(setup: Setup, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.zeros((3, 3, 3, 3), np.uint8))
    stop, said = threading.Event(), []
    source = described(str(tmp_path / "small.npy"), setup.contract.trained)
    made = Feed("yard", Played(source, setup.contract, 10.0), setup.see, 50, stop, said.append, True)
    made.start()
    made.join(30)
    assert made.ended and "too few pixels" in str(made.error)
    assert not any("next attempt" in text for text in said)


def test_a_source_that_was_never_there_ends_a_watch_of_it_alone(tmp_path: Path) -> None:
    model = save(tmp_path / "model.safetensors")
    with pytest.raises(SystemExit, match=r"http://\*\*\*@127\.0\.0\.1:9/x: Connection refused"):
        main(["watch", str(model), "http://me:secret@127.0.0.1:9/x"])


def test_a_path_that_is_not_there_is_named_with_its_source(tmp_path: Path) -> None:
    (tmp_path / "sources.txt").write_text(f"yard {tmp_path / 'none.mkv'}\n")
    with pytest.raises(FarviewError, match=r"^yard: .*none\.mkv: no such file"):
        watch(save(tmp_path / "model.safetensors"), sources=tmp_path / "sources.txt")


def test_a_recording_at_its_own_speed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    model = save(tmp_path / "model.safetensors")
    np.save(tmp_path / "clip.npy", elr_frames(30))
    main(["watch", str(model), str(tmp_path / "clip.npy"), "--pace", "--json", "--hop", "0.2"])
    made = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert made and all(line["age"] is not None for line in made)
    np.save(tmp_path / "small.npy", np.zeros((3, 3, 3, 3), np.uint8))
    with pytest.raises(SystemExit, match="too few pixels"):
        main(["watch", str(model), str(tmp_path / "small.npy"), "--pace"])


def test_lists_of_sources(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_bytes(b"\xef\xbb\xbfa\t0\nb  rtsp://host/x y\n")  # with tabs and a mark, as editors put them
    assert read_sources(path) == {"a": "0", "b": "rtsp://host/x y"}
    for text, expected in (
        ("a\n", "line 1: expected"),
        ("a 0\na 1", "line 2: .* twice"),
        ("#", "no sources"),
    ):
        path.write_text(text)
        with pytest.raises(FarviewError, match=expected):
            read_sources(path)
    with pytest.raises(FarviewError, match="No such file"):
        read_sources(tmp_path / "none.txt")


def test_load_is_of_the_last_hop() -> None:
    load = Load(2.0)
    assert load.add(10.0, 0.5) == 0.25
    assert load.add(11.0, 0.5) == 0.5
    assert load.add(12.0, 1.0) == 0.75  # the first one is over two seconds ago
    assert load.add(20.0, 3.0) == 1.5
