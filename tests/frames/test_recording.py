"""eLR recordings: what is read is what was kept, to the bit, however the file ends; and nothing is degraded twice."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import moving_picture, write_video

from farview.errors import UnreadableClip
from farview.frames import video
from farview.frames.arrays import ArrayFrames
from farview.frames.open import source_of
from farview.frames.recorder import KEYS, Origin, Recorder
from farview.frames.recording import ElrRecording, read
from farview.frames.segment import Segment
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from farview.frames.store import FrameStore
from farview.frames.video import VideoFile

SENSOR = SensorModel()


def frames_of(count: int, height: int = 12, width: int = 16, channels: int = 3, seed: int = 0) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), np.uint8)


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_a_disk_that_fills_up_is_an_error_of_the_disk(tmp_path: Path) -> None:
    """A limit on the size of files fails writes as a full disk does: what was written before stays."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            record(tmp_path / "a.mkv", frames_of(200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert 5 < len(read(tmp_path / "a.mkv")[0]) < 200


def record(path: Path, frames: Images, rate: float = 25.0, origin: Origin | None = None) -> Path:
    sensor = SensorModel(height=frames.shape[1], width=frames.shape[2])
    origin = origin or Origin(sensor, 240, 320, rate)
    with path.open("wb", buffering=0) as file, Recorder(file, origin, frames.shape[3]) as recorder:
        for number, frame in enumerate(frames):
            recorder.add(frame, number / rate)
    return path


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 5), (8, 8), (12, 16), (31, 50)])
def test_every_pixel_and_time_comes_back(tmp_path: Path, size: tuple[int, int], channels: int) -> None:
    frames = frames_of(40, *size, channels)
    back, times = read(record(tmp_path / "a.mkv", frames))
    np.testing.assert_array_equal(back, frames)
    np.testing.assert_allclose(times, np.arange(40) / 25, atol=5e-4)


def test_another_decoder_reads_the_same(tmp_path: Path) -> None:
    frames = frames_of(10)
    capture = cv2.VideoCapture(str(record(tmp_path / "a.mkv", frames)), cv2.CAP_FFMPEG)
    for frame in frames:
        read_one, image = capture.read()
        assert read_one
        np.testing.assert_array_equal(image[..., ::-1], frame)
    assert not capture.read()[0]


def test_smaller_than_raw_on_a_real_clip(tmp_path: Path, data_root: Path) -> None:
    source = VideoFile(data_root / "clips/ucf101/SoccerJuggling/v_SoccerJuggling_g23_c01.avi")
    with source.open() as opened:
        frames = SENSOR.degrade(opened.read(range(60)), range(60))
    path = record(tmp_path / "a.mkv", frames)
    np.testing.assert_array_equal(read(path)[0], frames)
    assert path.stat().st_size < 0.9 * frames.size


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "by seeking"])
def test_frames_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: bool) -> None:
    frames = frames_of(5 * KEYS)
    record(tmp_path / "a.mkv", frames)
    if not keep:
        monkeypatch.setattr(video, "KEEP_BYTES", 100_000)
    numbers = np.random.default_rng(0).permutation(len(frames))[:40].tolist()
    with ElrRecording(tmp_path / "a.mkv").open() as opened:
        assert len(opened) == len(frames)
        np.testing.assert_array_equal(opened.read([*numbers, 0, 0]), frames[[*numbers, 0, 0]])


def test_uneven_times_are_kept_and_rise(tmp_path: Path) -> None:
    given_times = [0.0, 0.0, 0.1, 5.0, 5.0004, 60.25]
    origin = Origin(SENSOR, 240, 320, 25.0)
    with (tmp_path / "a.mkv").open("wb", buffering=0) as file, Recorder(file, origin, 3) as recorder:
        for frame, seconds in zip(frames_of(6), given_times, strict=True):
            recorder.add(frame, seconds)
    times = read(tmp_path / "a.mkv")[1]
    np.testing.assert_allclose(times, [0, 0.001, 0.1, 5.0, 5.001, 60.25], atol=1e-9)


def test_where_no_rate_was_stated_the_times_show_it(tmp_path: Path) -> None:
    """Of a live source: what was sent while it was looked at comes at once, and a lost stream leaves a gap."""
    burst, gap = np.arange(10) / 1000, np.array([0.0] * 30 + [60.0] * 30)
    live = 0.04 + np.arange(60) / 29.97 + gap
    for count, rate in ((70, 29.97), (2, 1000), (1, None)):
        origin = Origin(SENSOR, 240, 320, None)
        with (tmp_path / "a.mkv").open("wb", buffering=0) as file, Recorder(file, origin, 3) as recorder:
            for frame, seconds in zip(frames_of(count), np.concatenate([burst, live]), strict=False):
                recorder.add(frame, seconds)
        with ElrRecording(tmp_path / "a.mkv").open() as opened:
            assert opened.origin == origin
            assert opened.fps == (rate and pytest.approx(rate, rel=2e-3))


def test_times_that_show_no_rate(tmp_path: Path) -> None:
    with (tmp_path / "a.mkv").open("wb", buffering=0) as file:
        with Recorder(file, Origin(SENSOR, 240, 320, None), 3) as recorder:
            for frame, seconds in zip(frames_of(3), (0, 0.001, 0.5), strict=True):
                recorder.add(frame, seconds)
    with ElrRecording(tmp_path / "a.mkv").open() as opened:
        assert opened.fps is None


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("cut") / "whole.mkv", frames_of(125))


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0.12, 1))
def test_cut_at_any_byte_it_gives_what_came_before(whole: Path, share: float) -> None:
    data = whole.read_bytes()
    cut = whole.with_name("cut.mkv")
    cut.write_bytes(data[: int(share * len(data))])
    frames, _ = read(cut)
    np.testing.assert_array_equal(frames, frames_of(125)[: len(frames)])
    assert len(frames) >= 125 * share - 25  # a second's frames, all of one size here


WRITER = """
import sys, time
import numpy as np
from farview.frames.recorder import Origin, Recorder
from farview.frames.sensor import SensorModel
with open(sys.argv[1], "wb", buffering=0) as file:
    with Recorder(file, Origin(SensorModel(), 240, 320, 50.0), 3) as recorder:
        frames = np.random.default_rng(0).integers(0, 256, (5000, 12, 16, 3), np.uint8)
        for number, frame in enumerate(frames):
            recorder.add(frame, number / 50)
            print(number, flush=True)
            time.sleep(0.002)
"""


def test_kill_9_costs_the_last_second_at_most(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "a.mkv")]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    added = 0
    while added < 230:
        added = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    added = max([added, *map(int, writer.stdout.read().split())])
    writer.stdout.close()
    frames, times = read(tmp_path / "a.mkv")
    np.testing.assert_array_equal(frames, frames_of(5000)[: len(frames)])
    assert times[-1] >= added / 50 - 1


def test_a_full_disk_is_an_os_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space"):
        record(Path("/dev/full"), frames_of(200))


def test_a_path_is_known_by_its_mark(tmp_path: Path) -> None:
    record(tmp_path / "a.mkv", frames_of(3))
    write_video(tmp_path / "b.mkv", moving_picture(3, 24, 32))
    assert source_of(tmp_path / "a.mkv") == ElrRecording(tmp_path / "a.mkv")
    assert source_of(tmp_path / "b.mkv") == VideoFile(tmp_path / "b.mkv")
    (tmp_path / "c.mkv").write_bytes(b"")
    assert type(source_of(tmp_path / "c.mkv")) is VideoFile
    with pytest.raises(UnreadableClip, match=r"b\.mkv: no eLR recording"):
        ElrRecording(tmp_path / "b.mkv").open()
    with pytest.raises(UnreadableClip, match=r"c\.mkv: "):
        ElrRecording(tmp_path / "c.mkv").open()


def test_origin_comes_back_and_newer_ones_are_refused(tmp_path: Path) -> None:
    origin = Origin(SensorModel(12, 16, 0.5, 1.0, 7), 480, 640, 29.97, "2026-01-01T00:00:00+00:00", "12-34")
    record(tmp_path / "a.mkv", frames_of(3), origin=origin)
    with ElrRecording(tmp_path / "a.mkv").open() as opened:
        assert opened.origin == origin and opened.sensor == origin.sensor
    newer = json.loads(origin.to_json()) | {"format": 9}
    data = (tmp_path / "a.mkv").read_bytes()
    text = origin.to_json().encode()
    (tmp_path / "a.mkv").write_bytes(data.replace(text, json.dumps(newer).encode()))
    with pytest.raises(UnreadableClip, match=r"a\.mkv: .*format 9; upgrade"):
        ElrRecording(tmp_path / "a.mkv").open()


def test_a_tag_that_is_no_text_is_an_error_of_that_file(tmp_path: Path) -> None:
    path = record(tmp_path / "a.mkv", frames_of(3))
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"fingerprint"', b'"\xffingerprint"'))
    with pytest.raises(
        UnreadableClip, match=r"a\.mkv: an eLR recording whose tag FARVIEW_RECORDING is damaged"
    ):
        source_of(path).open()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_store_takes_it_as_it_is(tmp_path: Path, channels: int) -> None:
    """Though the sensor of the store has other noise: eLR frames are not degraded a second time."""
    frames = frames_of(30, channels=channels)
    source = source_of(record(tmp_path / "a.mkv", frames))
    store = FrameStore(tmp_path / "store", SensorModel(blur=1.0, noise=20.0), None)
    np.testing.assert_array_equal(store.elr(source), frames)
    part = Segment(source, 5, 20)
    np.testing.assert_array_equal(store.elr(part), frames[5:20])


def test_same_frames_from_the_store_for_a_video_and_its_recording(tmp_path: Path) -> None:
    write_video(tmp_path / "hr.mp4", moving_picture(20, 48, 64))
    with VideoFile(tmp_path / "hr.mp4").open() as opened:
        seen = np.concatenate([SENSOR.degrade(f[None], [n]) for n, f in enumerate(opened)])
    store = FrameStore(tmp_path / "store", SENSOR, None)
    recording = source_of(record(tmp_path / "elr.mkv", seen))
    np.testing.assert_array_equal(store.elr(recording), store.elr(VideoFile(tmp_path / "hr.mp4")))


@pytest.mark.parametrize("part", [False, True], ids=["whole", "segment"])
def test_another_size_or_hr_is_refused_by_name(tmp_path: Path, part: bool) -> None:
    source = source_of(record(tmp_path / "a.mkv", frames_of(10, 24, 32)))
    source = Segment(source, 0, 5) if part else source
    with pytest.raises(UnreadableClip, match=r"a\.mkv.*24x32.*cannot give frames of 12x16"):
        FrameStore(tmp_path / "store", SENSOR, None).elr(source)
    with pytest.raises(UnreadableClip, match=r"a\.mkv.*24x32.*cannot give HR frames"):
        FrameStore(tmp_path / "store", None, (48, 64)).hr(source)
    np.save(tmp_path / "a.npy", frames_of(10, 24, 32))  # an array of that size is HR to this sensor, as ever
    assert FrameStore(tmp_path / "store", SENSOR, None).elr(ArrayFrames(tmp_path / "a.npy")).shape[1:3] == (
        12,
        16,
    )
