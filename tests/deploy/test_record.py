"""`farview record`: the frames that a model would see, with their times, and nothing else."""

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from farview.cli import main
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.deploy.record import record, record_file
from farview.deploy.record_settings import Settings, seen_by
from farview.errors import FarviewError, UnreadableClip
from farview.frames.arrays import ArrayFrames, MemoryFrames
from farview.frames.recording import ElrRecording, read, read_origin
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from farview.frames.video import VideoFile
from farview.models.contract import Contract, NetworkConfig
from farview.models.model_file import save_model
from farview.models.network import ActionNetwork
from farview.models.recogniser import Recogniser
from farview.training.phases import run
from tests.frames.videos import moving_picture
from tests.training.tiny import make_clips, tiny_recipe

SENSOR = SensorModel(6, 8)
SETTINGS = Settings(SENSOR)


def hr_frames(count: int, seed: int = 0, channels: int = 3) -> Images:
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 8, channels), np.uint8)
    return coarse.repeat(8, 1).repeat(8, 2)


def model_file(path: Path, sensor: SensorModel, channels: int = 3, resolution: str = "elr") -> Path:
    contract = Contract(
        classes=("walk", "fall"),
        network=NetworkConfig("resnet18", 4, "small"),
        channels=channels,
        input_size=(24, 32),
        resolution=resolution,  # type: ignore[arg-type]
        sensor=sensor,
        intervals=replace(tiny_recipe(path.parent).input.intervals, count=3),
        mean=(0.4,) * channels,
        std=(0.2,) * channels,
    )
    save_model(path, ActionNetwork(contract.network, 2, channels, 3, 1), contract)
    return path


def test_what_is_kept_is_what_the_sensor_sees(tmp_path: Path) -> None:
    frames = hr_frames(20)
    assert record_file(MemoryFrames(frames), tmp_path / "a.mkv", replace(SETTINGS, rate=10)) == 20
    kept, times = read(tmp_path / "a.mkv")
    np.testing.assert_array_equal(kept, SENSOR.degrade(frames, range(20)))
    np.testing.assert_allclose(times, np.arange(20) / 10)
    assert read_origin(tmp_path / "a.mkv").sensor == SENSOR


def test_grey_and_the_first_seconds(tmp_path: Path) -> None:
    frames = hr_frames(20)
    settings = replace(SETTINGS, rate=10, grey=True, seconds=0.95)
    assert record_file(MemoryFrames(frames), tmp_path / "a.mkv", settings) == 10
    luma = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames[:10]])[..., None]
    np.testing.assert_array_equal(read(tmp_path / "a.mkv")[0], SENSOR.degrade(luma, range(10)))


def test_the_noise_of_a_recording_that_turns_grey(tmp_path: Path) -> None:
    noisy = replace(SETTINGS, sensor=replace(SENSOR, noise=8.0), rate=10)
    flat = np.full((100, 64, 64, 3), 128, np.uint8)
    record_file(MemoryFrames(flat), tmp_path / "a.mkv", noisy)
    record(str(tmp_path / "a.mkv"), tmp_path / "b.mkv", replace(noisy, grey=True), quiet=True)
    measured = read(tmp_path / "b.mkv")[0].std()
    assert read_origin(tmp_path / "b.mkv").sensor.noise == pytest.approx(measured, rel=0.05)
    assert read_origin(tmp_path / "a.mkv").sensor.noise == 8


@pytest.mark.parametrize("channels", [1, 3])
def test_a_real_video_is_recognised_alike_from_its_recording(
    tmp_path: Path, data_root: Path, channels: int
) -> None:
    video = data_root / "clips/ucf101/SoccerJuggling/v_SoccerJuggling_g23_c01.avi"
    model = model_file(tmp_path / "model.safetensors", SensorModel(), channels)
    main(["record", str(video), str(tmp_path / "a.mkv"), "--model", str(model), "--quiet"])
    recogniser = Recogniser(model)
    from_video, from_recording = recogniser.recognise(video), recogniser.recognise(tmp_path / "a.mkv")
    np.testing.assert_array_equal(from_video.probabilities, from_recording.probabilities)
    assert from_recording.length == from_video.length


def test_errors_name_what_is_wrong(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", hr_frames(3))
    with pytest.raises(FarviewError, match=r"name it .*out\.mkv"):
        record(str(tmp_path / "a.npy"), tmp_path / "out.mp4", SETTINGS)
    record(str(tmp_path / "a.npy"), tmp_path / "out.mkv", SETTINGS, quiet=True)
    with pytest.raises(FarviewError, match=r"out\.mkv: is there already"):
        record(str(tmp_path / "a.npy"), tmp_path / "out.mkv", SETTINGS)
    with pytest.raises(UnreadableClip, match=r"a\.npy: .*too few pixels"):
        record(str(tmp_path / "a.npy"), tmp_path / "b.mkv", Settings(SensorModel(60, 80)))
    assert not (tmp_path / "b.mkv").exists()
    with pytest.raises(UnreadableClip, match=r"out\.mkv: an eLR recording of 6x8"):
        record(str(tmp_path / "out.mkv"), tmp_path / "b.mkv", Settings(SensorModel(3, 4)))
    with pytest.raises(FarviewError, match="sees HR frames"):
        seen_by(model_file(tmp_path / "m.safetensors", SENSOR, resolution="hr"), SETTINGS)
    for wrong in ({"rate": 0}, {"seconds": -1}):
        with pytest.raises(FarviewError, match=next(iter(wrong))):
            Settings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(SystemExit, match="--model says"):
        main(["record", "a", "b.mkv", "--model", "m", "--blur", "1"])


def folder_of_clips(root: Path) -> Path:
    """Two classes of two arrays, a folder of images and, under one name but for the ending, two files."""
    for number, name in enumerate(("wave/a", "wave/b", "fall/a")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(root / f"{name}.npy", hr_frames(5, seed=number))
    np.savez(root / "fall/a.npz", frames=hr_frames(4, seed=9))
    (root / "fall/images.1").mkdir()
    for n in range(3):
        cv2.imwrite(str(root / f"fall/images.1/{n}.png"), hr_frames(3)[n])
    return root


NAMES = ["fall/a.npy.mkv", "fall/a.npz.mkv", "fall/images.1.mkv", "wave/a.mkv", "wave/b.mkv"]


def recorded(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*") if path.is_file())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_keeps_its_shape_and_goes_on(tmp_path: Path, workers: int) -> None:
    root, out = folder_of_clips(tmp_path / "in"), tmp_path / "out"
    record(str(root), out, SETTINGS, workers, quiet=True)
    assert recorded(out) == NAMES
    np.testing.assert_array_equal(
        read(out / "fall/a.npz.mkv")[0], SENSOR.degrade(hr_frames(4, seed=9), range(4))
    )
    before = {name: (out / name).stat().st_mtime_ns for name in NAMES}
    (out / "wave/a.mkv").unlink()  # as after a kill
    np.save(root / "wave/b.npy", hr_frames(7))  # changed since
    record(str(root), out, SETTINGS, workers, quiet=True)
    after = {name: (out / name).stat().st_mtime_ns for name in NAMES}
    assert {name for name in NAMES if before[name] != after[name]} == {"wave/a.mkv", "wave/b.mkv"}
    assert len(read(out / "wave/b.mkv")[0]) == 7
    with pytest.raises(FarviewError, match=r"a.*\.mkv: is there already, recorded by another sensor"):
        record(str(root), out, replace(SETTINGS, sensor=SensorModel(3, 4)), workers, quiet=True)
    assert {name: (out / name).stat().st_mtime_ns for name in NAMES} == after


def long_video(path: Path) -> Path:
    """Forty minutes of a still scene, which take ten seconds or more to read."""
    path.parent.mkdir(exist_ok=True)
    picture = av.VideoFrame.from_ndarray(moving_picture(1, 480, 640)[0], "rgb24")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", 25)
        stream.height, stream.width, stream.pix_fmt = 480, 640, "yuv420p"
        made = []
        for number in range(2):
            picture.pts = number
            made += stream.encode(picture)
        first, unchanged = [*made, *stream.encode(None)]
        for number in range(60_000):
            packet = av.Packet(bytes(unchanged if number else first))
            packet.stream, packet.time_base = stream, first.time_base
            packet.pts = packet.dts = number * round(1 / (25 * first.time_base))
            packet.is_keyframe = not number
            container.mux(packet)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to others, no kill -9")
def test_signals_end_the_recording_of_files_at_once_and_leave_nothing(tmp_path: Path) -> None:
    """kill -9 leaves a hidden file; the same command removes it."""
    root = long_video(tmp_path / "in/a.mp4").parent
    shutil.copy(root / "a.mp4", root / "b.mp4")
    for number, words, out in (
        (signal.SIGINT, [str(root), "--workers", "2"], tmp_path / "folder"),
        (signal.SIGTERM, [str(root)], tmp_path / "folder"),
        (signal.SIGKILL, [str(root / "a.mp4")], tmp_path / "single/a.mkv"),
        (signal.SIGTERM, [str(root / "a.mp4")], tmp_path / "single/a.mkv"),
    ):
        command = [sys.executable, "-m", "farview", "record", words[0], str(out), *words[1:], "--quiet"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        place = out if out.suffix == "" else out.parent
        old = set(place.glob(".*")) if place.is_dir() else set()
        limit = time.monotonic() + 60
        while not (place.is_dir() and set(place.glob(".*")) - old) and time.monotonic() < limit:
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        left = list(place.iterdir())
        if number == signal.SIGKILL:
            assert len(left) == 1
        else:
            assert not left and process.returncode == 130 and errors == "farview: interrupted\n", errors


def test_unreadable_files_are_named_and_the_others_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    root, out = folder_of_clips(tmp_path / "in"), tmp_path / "out"
    (root / "wave/broken.mp4").write_bytes(b"no video")
    with pytest.raises(FarviewError, match="1 of 6 recordings could not be read"):
        record(str(root), out, SETTINGS, quiet=True)
    assert f"{root / 'wave/broken.mp4'}: cannot be opened" in capsys.readouterr().err
    assert recorded(out) == NAMES


def test_the_folder_is_a_data_set_again(tmp_path: Path) -> None:
    root, out = folder_of_clips(tmp_path / "in"), tmp_path / "out"
    (root / "clips.csv").write_text(
        "path,label,group\nwave/a.npy,wave,anna\nfall/images.1,fall,ben\nwave/x.avi,wave,eve\n"
    )
    (root / "wave/x.avi").write_bytes(b"no video")
    with pytest.raises(FarviewError, match="1 of 6"):
        record(str(root), out, SETTINGS, quiet=True)
    assert (out / "clips.csv").read_text().splitlines() == [
        "path,label,group",
        "wave/a.mkv,wave,anna",
        "fall/images.1.mkv,fall,ben",
    ]
    clips = open_data(DataConfig(f"folder:{out}", test_share=1.0)).clips
    assert {clip.source for clip in clips} == {
        ElrRecording(out / "wave/a.mkv"),
        ElrRecording(out / "fall/images.1.mkv"),
    }


def test_folders_in_one_another_or_without_clips(tmp_path: Path) -> None:
    root = folder_of_clips(tmp_path / "in")
    for out in (root, root / "out", tmp_path):
        with pytest.raises(FarviewError, match="lies in the other"):
            record(str(root), out, SETTINGS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FarviewError, match="without images, videos"):
        record(str(tmp_path / "empty"), tmp_path / "out", SETTINGS)


def test_a_student_trains_on_recordings_as_on_the_clips_they_were_made_from(tmp_path: Path) -> None:
    """The same frames, hence the same model and figures; `scan` and `evaluate` take them too."""
    make_clips(tmp_path / "clips")
    record(str(tmp_path / "clips"), tmp_path / "elr", SETTINGS, quiet=True)
    one_epoch = ("--phases=[student]", "--student.epochs=1")
    from_hr = run(tiny_recipe(tmp_path, *one_epoch), quiet=True)
    place = f"--data.source=folder:{tmp_path / 'elr'}"
    from_elr = run(tiny_recipe(tmp_path, *one_epoch, place, f"--out={tmp_path / 'second'}"), quiet=True)
    model = from_elr.models["student"]
    for clip in ("left/clip00", "right/clip03"):
        np.testing.assert_allclose(
            Recogniser(model).recognise(tmp_path / "elr" / f"{clip}.mkv").probabilities,
            Recogniser(model).recognise(tmp_path / "clips" / clip).probabilities,
        )
    assert from_hr.models["student"] != model
    main(["scan", f"folder:{tmp_path / 'elr'}", "--json"])
    main(["evaluate", str(model), f"folder:{tmp_path / 'elr'}", "--json"])


def test_a_whole_file_video_keeps_uneven_times(tmp_path: Path, data_root: Path) -> None:
    video = data_root / "clips/ucf101/SoccerJuggling/v_SoccerJuggling_g23_c01.avi"
    record_file(VideoFile(video), tmp_path / "a.mkv", SETTINGS)
    capture = cv2.VideoCapture(str(video))
    rate = capture.get(cv2.CAP_PROP_FPS)
    np.testing.assert_allclose(read(tmp_path / "a.mkv")[1][:50], np.arange(50) / rate, atol=1.1e-3)
    assert read_origin(tmp_path / "a.mkv").rate == pytest.approx(rate)


def test_arrays_of_the_sensors_size_are_kept_as_they_are(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (9, 6, 8), np.uint8)
    np.save(tmp_path / "thermal.npy", frames)
    record_file(ArrayFrames(tmp_path / "thermal.npy"), tmp_path / "a.mkv", SETTINGS)
    np.testing.assert_array_equal(read(tmp_path / "a.mkv")[0][..., 0], frames)
