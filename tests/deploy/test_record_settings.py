"""An eLR recording recorded again: its frames are copied, so what made them stays true, or it is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farview.cli import main
from farview.deploy.record import record
from farview.deploy.record_settings import Settings, seen_by
from farview.errors import FarviewError
from farview.frames.recorder import Origin, Recorder
from farview.frames.recording import read, read_origin
from farview.frames.sensor import SensorModel
from tests.deploy.test_record import model_file

ORIGIN = Origin(SensorModel(12, 16, 0.7, 3.0, 5), 256, 340, None, "2026-01-01T00:00:00+00:00")
SECONDS = [0.0, 0.034, 0.066, 2.5]


def recording(path: Path, origin: Origin = ORIGIN) -> Path:
    frames = np.random.default_rng(0).integers(0, 256, (4, 12, 16, 3), np.uint8)
    path.parent.mkdir(exist_ok=True)
    with path.open("wb", buffering=0) as file, Recorder(file, origin, 3) as recorder:
        for frame, seconds in zip(frames, SECONDS, strict=True):
            recorder.add(frame, seconds)
    return path


def stays(source: Path, copy: Path) -> bool:
    """Whether a copy has the same frames at the same times and tells the same of them."""
    one, other = read_origin(source), read_origin(copy)
    np.testing.assert_array_equal(read(copy)[0], read(source)[0])
    np.testing.assert_array_equal(read(copy)[1], read(source)[1])
    return other.fingerprint is not None and replace(other, fingerprint=None) == one


@pytest.mark.parametrize(
    "options", [[], ["--noise", "3"], ["--blur", "0.7", "--noise", "3.0", "--height", "12"]]
)
def test_a_copy_keeps_the_facts(tmp_path: Path, options: list[str]) -> None:
    source, copy = recording(tmp_path / "k.mkv"), tmp_path / "copy.mkv"
    main(["record", str(source), str(copy), "--quiet", *options])
    assert stays(source, copy)


@pytest.mark.parametrize("option", [["--noise", "5"], ["--blur", "3"], ["--noise", "2"]])
def test_another_sensor_is_refused(tmp_path: Path, option: list[str]) -> None:
    source, copy = recording(tmp_path / "k.mkv"), tmp_path / "copy.mkv"
    key, value = option[0].removeprefix("--"), float(option[1])
    with pytest.raises(SystemExit) as stop:
        main(["record", str(source), str(copy), *option])
    text = str(stop.value)
    assert text.startswith(f"farview: {source}: an eLR recording made with {key} ")
    assert f"cannot give {key} {value}" in text and f"leave out --{key}" in text and "\n" not in text
    assert not copy.exists()


def test_a_model_of_another_sensor_is_refused(tmp_path: Path) -> None:
    source = recording(tmp_path / "k.mkv")
    other = model_file(tmp_path / "other.safetensors", replace(ORIGIN.sensor, noise=16.0))
    with pytest.raises(FarviewError, match=r"made with noise 3\.0 cannot give noise 16\.0.*--model"):
        record(str(source), tmp_path / "copy.mkv", seen_by(other, Settings()))
    same = model_file(tmp_path / "same.safetensors", replace(ORIGIN.sensor, seed=0))
    record(str(source), tmp_path / "copy.mkv", seen_by(same, Settings()), quiet=True)
    assert stays(source, tmp_path / "copy.mkv")


def test_folders_of_recordings_are_copied_and_go_on(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Of two sensors, neither the one that is usual; what was copied is known again, and not taken for another's."""
    root, out = tmp_path / "in", tmp_path / "out"
    recording(root / "a.mkv")
    recording(root / "b.mkv", replace(ORIGIN, sensor=SensorModel(12, 16, 0.1, 9.0)))
    record(str(root), out, Settings(), quiet=True)
    before = [(out / name).stat().st_mtime_ns for name in ("a.mkv", "b.mkv")]
    record(str(root), out, Settings(), quiet=True)
    assert [(out / name).stat().st_mtime_ns for name in ("a.mkv", "b.mkv")] == before
    assert stays(root / "a.mkv", out / "a.mkv") and stays(root / "b.mkv", out / "b.mkv")
    with pytest.raises(FarviewError, match="1 of 2"):
        record(str(root), out, Settings(ORIGIN.sensor, asked=frozenset({"noise"})), quiet=True)
    assert f"{root / 'b.mkv'}: an eLR recording made with noise 9.0" in capsys.readouterr().err
