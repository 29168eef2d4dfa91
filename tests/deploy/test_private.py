"""What leaves a process that promises to keep HR frames in memory: all that it writes and sends is counted."""

import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from tests.deploy.cameras import HttpCamera
from tests.deploy.test_record import model_file
from tests.deploy.traced import Trace, tell, trace, tracing, works

if sys.platform != "linux":
    pytest.skip("system calls are traced on Linux", allow_module_level=True)

COUNT = 12


def noise(count: int = COUNT) -> Images:
    """HR frames that nothing can compress: the smallest of them as a coarse JPEG is larger than all that is kept."""
    return np.random.default_rng(0).integers(0, 256, (count, 480, 640, 3), np.uint8)


@pytest.fixture(scope="module")
def least() -> int:
    """Bytes of an HR frame as a JPEG of quality 10."""
    return len(cv2.imencode(".jpg", noise(1)[0], [cv2.IMWRITE_JPEG_QUALITY, 10])[1])


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hr") / "hr.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (640, 480))
    for frame in noise():
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture(scope="module")
def strace() -> None:
    if not works():
        pytest.skip("strace is not installed, or tracing is not allowed here")


def holds_no_hr_frame(found: Trace, outputs: list[Path], least: int) -> None:
    """Beside the outputs, fewer bytes went anywhere than one HR frame takes; an output has its own size, and a
    frame of it has less than that."""
    assert found.status == 0, found.printed
    assert found.odd == []
    assert found.programs <= {"ldconfig"}  # asked by PyTorch where CUDA's libraries are
    assert [line for line in found.shared if "/dev/shm/sem." not in line] == []  # locks, 32 bytes each
    written = found.written.copy()
    for path in outputs:
        sent = sum(written.pop(name) for name in list(written) if name_of(name) == path.name)
        assert (
            path.stat().st_size <= sent <= path.stat().st_size + 4096
        )  # the head is written again at the end
        assert sent / COUNT < least / 4
    assert written.total() < least, written
    files = {name for name in written if name.startswith("/") and not name.startswith("/dev/")}
    assert files == set()


def name_of(name: str) -> str:
    """An output's own name in place of the hidden one that it has until it is complete."""
    file = Path(name).name
    return file[1:].rsplit(".", 2)[0] if file.endswith(".tmp") else file


def test_a_file(tmp_path: Path, video: Path, least: int, strace: None) -> None:
    found = trace(tmp_path / "trace", "record", str(video), str(tmp_path / "a.mkv"), "--noise", "0")
    holds_no_hr_frame(found, [tmp_path / "a.mkv"], least)
    assert not any(str(video) in opened for opened in found.open_before_dumps_off)
    assert found.connected == set()


def test_a_folder_by_processes(tmp_path: Path, video: Path, least: int, strace: None) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.avi", "b.avi"):
        (tmp_path / "in" / name).symlink_to(video)
    found = trace(
        tmp_path / "trace", "record", str(tmp_path / "in"), str(tmp_path / "out"), "--workers", "2", "--quiet"
    )
    holds_no_hr_frame(found, [tmp_path / "out/a.mkv", tmp_path / "out/b.mkv"], least)
    assert not any(str(tmp_path / "in") + "/" in opened for opened in found.open_before_dumps_off)
    assert found.connected == set()


def test_a_camera(tmp_path: Path, least: int, strace: None) -> None:
    with HttpCamera(noise(), 10.0) as camera:
        out = tmp_path / "a.mkv"
        found = trace(tmp_path / "trace", "record", camera.address, str(out), "--seconds", "1.2", "--quiet")
        port = f"sin_port=htons({camera.address.split(':')[2].split('/')[0]})"
    holds_no_hr_frame(found, [out], least)
    assert found.connected and all(port in address for address in found.connected)


def test_watching(tmp_path: Path, video: Path, least: int, strace: None) -> None:
    model = model_file(tmp_path / "model.safetensors", SensorModel())
    found = trace(tmp_path / "trace", "watch", str(model), str(video), "--hop", "0.1", "--json")
    holds_no_hr_frame(found, [], least)
    assert '"label"' in found.printed and found.connected == set()
    assert not any(str(video) in opened for opened in found.open_before_dumps_off)


def test_serving(tmp_path: Path, video: Path, least: int, strace: None) -> None:
    """A clip reaches the decoding process by a pair of sockets and lies there in memory: both are counted, and
    nobody else can have them."""
    pytest.importorskip("uvicorn", reason="pip install 'farview[serve]'")
    import httpx

    model, clip = model_file(tmp_path / "model.safetensors", SensorModel()), video.read_bytes()
    assert len(clip) > 1 << 20  # form parsers write such files to the disk
    with tracing(tmp_path / "trace", "serve", str(model), "--port", "0") as (process, found):
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with httpx.Client(base_url=address, timeout=60) as client:
            answers = [
                client.post("api/predict", files={"clip": clip}),
                client.post("api/predict", content=clip, headers={"content-type": "video/avi"}),
                client.post("api/predict", files={"clip": clip[:12] + clip[:11:-1]}),
            ]
        tell(process, signal.SIGINT)
    assert [answer.status_code for answer in answers] == [200, 200, 422]
    for place in ("UNIX-STREAM", "/memfd"):
        assert 0 <= found.written.pop(place) - 3 * len(clip) < least
    holds_no_hr_frame(found, [], least)
    assert found.written["TCP"] > sum(len(answer.content) for answer in answers)
    assert found.connected == set() and found.dumps_off == 2
    assert not any(re.search("/proc/self/fd/[0-9]", opened) for opened in found.open_before_dumps_off)


def test_the_trace_would_find_one(tmp_path: Path, video: Path, least: int, strace: None) -> None:
    """The same measure, for a verb that does write what it is given."""
    found = trace(tmp_path / "trace", "render", str(video), str(tmp_path / "a.mp4"))
    with pytest.raises(AssertionError):
        holds_no_hr_frame(found, [tmp_path / "a.mp4"], least)
    assert any(str(video) in opened for opened in found.open_before_dumps_off)


COUNTED = """
import resource, sys
from pathlib import Path
from farview.cli import main
counts = open("/proc/self/io")
def written():
    counts.seek(0)
    return int(dict(line.split(": ") for line in counts.read().splitlines())["wchar"])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
before = written()
main(["record", sys.argv[2], sys.argv[3], "--quiet"])
print(written() - before - Path(sys.argv[3]).stat().st_size)
"""


def test_the_kernel_counts_no_byte_more_than_the_recording(tmp_path: Path, video: Path, least: int) -> None:
    """Where nothing can be traced: no file may grow to the size of an HR frame, and the sum of all is counted."""
    out = tmp_path / "a.mkv"
    command = [sys.executable, "-B", "-c", COUNTED, str(COUNT * 12 * 16 * 4), str(video), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert 0 <= int(done.stdout) < 4096
    assert out.stat().st_size < COUNT * 12 * 16 * 4 < least


CRASH = """
import ctypes, resource
from pathlib import Path
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
from farview.deploy.private import no_dumps
no_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
secret = "picture " * 3
ctypes.string_at(0)
"""


def test_a_crash_leaves_no_memory_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode < 0
    assert done.stdout.strip() == "(0, 0) 0"  # no core files, not dumpable
    assert "Segmentation fault" in done.stderr and "picture picture" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("core files are off here anyway: only the settings were checked")
