"""The frame store: what it holds, when it builds again, and what killed processes and full disks do to it."""

import os
import pickle
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from farview.errors import FarviewError, UnreadableClip
from farview.frames.arrays import ArrayFrames
from farview.frames.growing import GrowingArray
from farview.frames.resize import hr_frames
from farview.frames.sensor import SensorModel
from farview.frames.source import Image
from farview.frames.store import FrameStore
from farview.frames.video import VideoFile

SENSOR = SensorModel(6, 8)
HR = (15, 20)


@dataclass(frozen=True)
class Drawn:
    """Frames made by rule; each opening leaves a line in `log`."""

    name: str
    log: Path
    frames: int = 4
    size: tuple[int, int] = (24, 32)
    seconds: float = 0.0
    """To draw a frame."""
    fault: str = ""
    """What happens at frame 2."""

    def fingerprint(self) -> str:
        return self.name

    def open(self) -> "Drawn":
        with self.log.open("a") as log:
            log.write(f"{self.name} {os.getpid()}\n")
        return self

    def __enter__(self) -> "Drawn":
        return self

    def __exit__(self, *_: object) -> None: ...

    def __iter__(self) -> Iterator[Image]:
        for i in range(self.frames):
            time.sleep(self.seconds)
            if i == 2 and self.fault == "unreadable":
                raise UnreadableClip(f"{self.name}: broken at frame 2")
            if i == 2 and self.fault == "error":
                raise RuntimeError("unforeseen")
            if i == 2 and self.fault == "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            yield np.full((*self.size, 1 if i == 2 and self.fault == "grey" else 3), i % 256, np.uint8)


def opened(log: Path) -> list[str]:
    """Names of what was opened, in order."""
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


def array_source(path: Path, frames: int = 5, size: tuple[int, int] = (30, 41), seed: int = 0) -> ArrayFrames:
    np.save(path, np.random.default_rng(seed).integers(0, 256, (frames, *size, 3), dtype=np.uint8))
    return ArrayFrames(path)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def temporaries(folder: Path) -> list[Path]:
    return [path for path in files(folder) if path.suffix == ".tmp"]


def eventually(condition: object, seconds: float = 30) -> None:
    """Wait until the callable is true."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def script(tmp_path: Path, body: str) -> subprocess.Popen:
    """A running Python script of `body`, without a main guard, that knows this module and `folder`, `log`."""
    head = f"""
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a shell's background
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_store import HR, SENSOR, Drawn, FrameStore
folder, log = Path({str(tmp_path / "store")!r}), Path({str(tmp_path / "log")!r})
"""
    path = tmp_path / f"script{len(list(tmp_path.glob('script*')))}.py"
    path.write_text(head + body)
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_holds_what_resizing_and_the_sensor_give(tmp_path: Path) -> None:
    sources = [array_source(tmp_path / f"{i}.npy", 3 + i, (24 + i, 40 + 3 * i), i) for i in range(3)]
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    assert store.build(sources) == {}
    for i, source in enumerate(sources):
        frames = np.load(source.path)
        hr, elr = store.hr(source), store.elr(source)
        assert isinstance(hr, np.memmap) and not hr.flags.writeable
        np.testing.assert_array_equal(hr, hr_frames(frames, HR, (3, 4)))
        np.testing.assert_array_equal(elr, SENSOR.degrade(frames, range(len(frames))))
        assert store.length(source) == 3 + i
        stored = files(tmp_path / "store")
        assert np.load(stored[0]).dtype == np.uint8 and len(stored) == 6  # plain .npy files


def test_holds_every_frame_of_real_videos(tmp_path: Path, data_root: Path) -> None:
    sources = [VideoFile(path) for path in sorted((data_root / "clips" / "hmdb51").rglob("*.avi"))]
    store = FrameStore(tmp_path, SensorModel(), (64, 85))
    assert store.build(sources, workers=2) == {}
    for source in sources:
        with source.open() as video:
            frames = np.stack(list(video))
        np.testing.assert_array_equal(store.hr(source), hr_frames(frames, (64, 85), (3, 4)))
        np.testing.assert_array_equal(store.elr(source), SensorModel().degrade(frames, range(len(frames))))


def test_decodes_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    sources = [Drawn(name, log) for name in "abc"]
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    store.build([*sources, sources[0]])
    for again in (store, FrameStore(tmp_path / "store", SENSOR, HR), pickle.loads(pickle.dumps(store))):
        assert again.build(sources) == {}
        for source in sources:
            assert (again.hr(source).shape, again.elr(source).shape) == ((4, 15, 20, 3), (4, 6, 8, 3))
            assert again.length(source) == 4
    assert opened(log) == ["a", "b", "c"]


def test_builds_at_first_use(tmp_path: Path) -> None:
    log = tmp_path / "log"
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    assert store.elr(Drawn("a", log)).shape == (4, 6, 8, 3)
    assert not list((tmp_path / "store").glob("hr*"))  # nobody asked for HR frames
    assert store.hr(Drawn("b", log)).shape == (4, 15, 20, 3)
    store.elr(Drawn("b", log))
    assert store.length(Drawn("c", log, frames=7)) == 7
    assert opened(log) == ["a", "b", "c"]


def test_settings_are_kept_apart(tmp_path: Path) -> None:
    log = tmp_path / "log"
    source = Drawn("a", log)

    def build(sensor: SensorModel | None, hr: tuple[int, int] | None) -> tuple[int, list[Path]]:
        store = FrameStore(tmp_path / "store", sensor, hr)
        store.build([source])
        return len(opened(log)), files(tmp_path / "store")

    _, first = build(SENSOR, HR)
    hr_file = next(path for path in first if path.relative_to(tmp_path / "store").parts[0].startswith("hr"))
    written = hr_file.stat().st_mtime_ns
    for decoded, sensor in enumerate(
        [SensorModel(6, 8, noise=3), SensorModel(6, 8, blur=1), SensorModel(8, 8)]
    ):
        count, _ = build(sensor, HR)
        assert count == decoded + 2
    assert hr_file.stat().st_mtime_ns == written
    assert build(SENSOR, (30, 40))[0] == 5
    assert build(SENSOR, None)[0] == build(None, HR)[0] == 5
    assert len(files(tmp_path / "store")) == 6  # four sensors, two HR sizes
    with pytest.raises(ValueError, match="no HR"):
        FrameStore(tmp_path, SENSOR, None).hr(source)
    with pytest.raises(ValueError, match="no eLR"):
        FrameStore(tmp_path, None, HR).elr(source)
    with pytest.raises(FarviewError, match="0x85"):
        FrameStore(tmp_path, None, (0, 85))


def test_a_changed_source_replaces_what_was_stored(tmp_path: Path) -> None:
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    before = array_source(tmp_path / "a.npy", 5)
    store.build([before])
    old = store.hr(before)
    after = array_source(tmp_path / "a.npy", 7, seed=1)
    fresh = FrameStore(tmp_path / "store", SENSOR, HR)
    assert fresh.hr(after).shape[0] == fresh.elr(after).shape[0] == fresh.length(after) == 7
    assert len(files(tmp_path / "store")) == 2
    assert len(old) == 5 and old.max() > 0  # a reader of the old file is not disturbed
    os.utime(tmp_path / "a.npy", ns=(0, 0))
    stamp = files(tmp_path / "store")[0].stat().st_mtime_ns
    fresh.build([after])
    assert files(tmp_path / "store")[0].stat().st_mtime_ns != stamp


def test_frames_of_the_sensors_size_pass_unchanged_and_are_enlarged(tmp_path: Path) -> None:
    source = array_source(tmp_path / "a.npy", 5, (6, 8))
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    np.testing.assert_array_equal(store.elr(source), np.load(source.path))
    np.testing.assert_array_equal(store.hr(source), hr_frames(np.load(source.path), HR, (3, 4)))


@pytest.mark.parametrize("workers", [1, 2])
def test_unreadable_sources_are_named_and_not_remembered(tmp_path: Path, workers: int) -> None:
    log = tmp_path / "log"
    good = [Drawn(f"good{i}", log) for i in range(3)]
    bad = [
        VideoFile(tmp_path / "nowhere.mp4"),
        Drawn("broken", log, fault="unreadable"),
        Drawn("unforeseen", log, fault="error"),
        Drawn("mixed", log, fault="grey"),
        Drawn("empty", log, frames=0),
        Drawn("small", log, size=(5, 40)),
    ]
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    calls: list[tuple[int, int]] = []
    reasons = store.build([*bad, *good], workers, lambda done, every: calls.append((done, every)))
    expected = {
        str(tmp_path / "nowhere.mp4"): "no such file or folder",
        "broken": "broken at frame 2",
        "unforeseen": "RuntimeError: unforeseen",
        "mixed": "frames of 3 and of 1 channels",
        "empty": "holds no frames",
    }
    small = reasons.pop("small")
    assert "5x40" in small and "6x8" in small
    assert reasons == expected
    assert calls == [(done, 9) for done in range(1, 10)]
    assert len(files(tmp_path / "store")) == 6
    for source in good:
        assert store.length(source) == 4
    with pytest.raises(UnreadableClip, match="broken: broken at frame 2"):
        store.elr(bad[1])
    before = opened(log).count("broken")
    assert set(store.build(bad)) == {*expected, "small"}
    assert opened(log).count("broken") == before + 1


@pytest.mark.parametrize("damage", ["empty", "header cut", "frames cut", "tail cut", "longer", "text"])
def test_damaged_files_are_made_again(tmp_path: Path, damage: str) -> None:
    source = array_source(tmp_path / "a.npy")
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    whole = np.array(store.hr(source))
    for path in files(tmp_path / "store"):
        content = path.read_bytes()
        cut = {"empty": 0, "header cut": 50, "frames cut": 500, "tail cut": len(content) - 1}
        spoilt = content + b"x" if damage == "longer" else content[: cut.get(damage, 0)]
        path.write_bytes(b"hello, this is no array" if damage == "text" else spoilt)
    fresh = FrameStore(tmp_path / "store", SENSOR, HR)
    np.testing.assert_array_equal(fresh.hr(source), whole)
    assert fresh.elr(source).shape == (5, 6, 8, 3)


def test_a_complete_store_is_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = array_source(tmp_path / "a.npy")
    folder = tmp_path / "store"
    FrameStore(folder, SENSOR, HR).build([source])
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for name in ("GrowingArray", "remove_abandoned"):  # root may write where the mode forbids it
        monkeypatch.setattr(f"farview.frames.store.{name}", None)
    store = FrameStore(folder, SENSOR, HR)
    assert store.build([source]) == {} and len(store.hr(source)) == len(store.elr(source)) == 5
    assert before == {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    source = array_source(tmp_path / "a.npy")
    for workers in (1, 2):
        with pytest.raises(FarviewError, match=f"{tmp_path}/file/store.*cannot be stored"):
            FrameStore(tmp_path / "file" / "store", SENSOR, HR).build([source, Drawn("b", tmp_path)], workers)


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_a_full_disk_is_one_line_that_names_the_folder(tmp_path: Path) -> None:
    """A limit on the size of files fails writes as a full disk does."""
    body = """
import resource
from farview.errors import FarviewError
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    FrameStore(folder, SENSOR, HR).build([Drawn("a", log), Drawn("b", log, frames=500)], workers=WORKERS)
except FarviewError as error:
    print("told:", error)
"""
    for workers in ("1", "2"):
        output, _ = script(tmp_path, body.replace("WORKERS", workers)).communicate(timeout=100)
        assert output.startswith(f"told: {tmp_path / 'store'}: ") and output.count("\n") == 1, output
    assert not temporaries(tmp_path / "store")
    assert FrameStore(tmp_path / "store", SENSOR, HR).build([Drawn("b", tmp_path / "log", frames=500)]) == {}


def test_long_recordings_are_written_as_they_come(tmp_path: Path) -> None:
    source = Drawn("long", tmp_path / "log", frames=300, size=(120, 160))
    store = FrameStore(tmp_path / "store", SENSOR, (120, 160))
    tracemalloc.start()
    store.build([source])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert store.hr(source).nbytes > 17e6
    assert peak < 4e6


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9")
def test_what_a_killed_process_leaves_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    process = script(
        tmp_path,
        'FrameStore(folder, SENSOR, HR).build([Drawn("a", log), Drawn("b", log, seconds=0.1, frames=9999)])',
    )
    eventually(lambda: opened(tmp_path / "log") == ["a", "b"] and len(temporaries(folder)) == 2)  # eLR and HR
    process.kill()
    process.wait()
    assert len(temporaries(folder)) == 2
    with GrowingArray(folder / "hr" / "00" / "alive.npy") as alive:
        alive.append(np.zeros((2, 2, 3), np.uint8))
        store = FrameStore(folder, SENSOR, HR)
        assert store.build([Drawn(name, tmp_path / "log") for name in "ac"]) == {}
        assert [path.name[:7] for path in temporaries(folder)] == [".alive."]
    assert not temporaries(folder)
    assert opened(tmp_path / "log") == ["a", "b", "c"]


def test_two_processes_may_build_at_once(tmp_path: Path) -> None:
    body = """
reasons = FrameStore(folder, SENSOR, HR).build([Drawn(str(i), log, seconds=0.003, frames=20) for i in range(20)])
print(reasons)
"""
    both = [script(tmp_path, body) for _ in range(2)]
    for process in both:
        assert process.communicate(timeout=100)[0] == "{}\n"
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    sources = [Drawn(str(i), tmp_path / "log", seconds=0.003, frames=20) for i in range(20)]
    count = len(opened(tmp_path / "log"))
    assert store.build(sources) == {} and len(opened(tmp_path / "log")) == count
    assert len(files(tmp_path / "store")) == 40
    for source in sources:
        assert store.hr(source)[:, 0, 0, 0].tolist() == list(range(20))


def test_workers_need_no_main_guard_and_take_part(tmp_path: Path) -> None:
    process = script(
        tmp_path,
        """
print("started")
done = []
store = FrameStore(folder, SENSOR, HR)
print(store.build([Drawn(str(i), log, seconds=0.05) for i in range(8)], 2, lambda *d: done.append(d)), done[-1])
""",
    )
    assert process.communicate(timeout=100)[0] == "started\n{} (8, 8)\n"
    workers = {line.split()[1] for line in (tmp_path / "log").read_text().splitlines()}
    assert len(workers) == 2 and str(process.pid) not in workers


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9")
def test_a_decoder_that_crashes_is_named_and_the_rest_is_built(tmp_path: Path) -> None:
    log = tmp_path / "log"
    sources = [Drawn(str(i), log, fault="crash" if i == 5 else "") for i in range(12)]
    store = FrameStore(tmp_path / "store", SENSOR, HR)
    assert store.build(sources, workers=2) == {"5": "its decoder crashed"}
    assert [store.length(s) for s in sources if s.name != "5"] == [4] * 11
    assert len([p for p in files(tmp_path / "store") if p.suffix == ".npy"]) == 22


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
@pytest.mark.parametrize("how", ["interrupted", "killed"])
def test_workers_end_with_their_parent(tmp_path: Path, how: str) -> None:
    process = script(
        tmp_path,
        """
sources = [Drawn("quick", log), *(Drawn(f"slow{i}", log, seconds=0.05, frames=9999) for i in range(3))]
FrameStore(folder, SENSOR, HR).build(sources, workers=2)
""",
    )
    folder = tmp_path / "store"
    eventually(lambda: opened(tmp_path / "log").count("slow1") == 1 and len(temporaries(folder)) == 4, 60)
    workers = {int(line.split()[1]) for line in (tmp_path / "log").read_text().splitlines()}
    process.send_signal(signal.SIGINT if how == "interrupted" else signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    if how == "interrupted":
        assert output.rstrip().endswith("KeyboardInterrupt")
        assert not temporaries(folder)
    store = FrameStore(folder, SENSOR, HR)
    assert store.build([Drawn("quick", tmp_path / "log"), Drawn("other", tmp_path / "log")]) == {}
    assert opened(tmp_path / "log").count("quick") == 1
    assert not temporaries(folder) and len(files(folder)) == 4
