"""`farview watch` over files: what it prints, and that it equals recognising the same frames."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from farview.cli import main
from farview.deploy.watch.recorded import watch_recording
from farview.deploy.watch.setup import Settings, set_up
from farview.errors import FarviewError, UnreadableClip
from farview.frames.arrays import MemoryFrames
from farview.frames.open import source_of
from farview.frames.recording import read
from farview.models.recogniser import Recogniser
from tests.deploy.watch.models import elr_frames, save


def lines(capsys: pytest.CaptureFixture) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_real_video_and_its_recording_equal_recognising_the_same_frames(
    tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture
) -> None:
    video = data_root / "clips/ucf101/SoccerJuggling/v_SoccerJuggling_g23_c01.avi"
    model, recording = save(tmp_path / "model.safetensors"), tmp_path / "a.mkv"
    main(["record", str(video), str(recording), "--model", str(model), "--quiet"])
    frames, times = read(recording)
    rate = (len(frames) - 1) / times[-1]
    for path in (video, recording):
        main(["watch", str(model), str(path), "--json", "--hop", "0.4", "--rate", str(rate)])
        made = lines(capsys)
        length, hop = 3 * round(0.4 * rate) + 1, round(0.4 * rate)
        assert len(made) == (len(frames) - length) // hop + 1 > 5
        for number, line in enumerate(made):
            window = frames[number * hop : number * hop + length]
            full = Recogniser(model).recognise(window).probabilities
            np.testing.assert_allclose(list(line["scores"].values()), full, atol=2e-6)
            assert line["seconds"] == pytest.approx(times[number * hop + length - 1], abs=2e-3)
            assert line["label"] == line["best"] == max(line["scores"], key=line["scores"].__getitem__)


def test_fights_are_watched_without_an_error(
    tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture
) -> None:
    model = save(tmp_path / "model.safetensors", pace={"rate": 25.0, "frames": 50})
    main(["watch", str(model), str(data_root / "fights/fight/fi005.mp4")])
    printed = capsys.readouterr().out.splitlines()
    assert printed and all("load" in line for line in printed)


def test_a_recording_shorter_than_a_window_is_answered_once_as_predict_does(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    model = save(tmp_path / "model.safetensors")
    np.save(tmp_path / "a.npy", elr_frames(5))
    main(["watch", str(model), str(tmp_path / "a.npy"), "--json"])
    (line,) = lines(capsys)
    full = Recogniser(model).recognise(tmp_path / "a.npy").probabilities
    np.testing.assert_allclose(list(line["scores"].values()), full, atol=2e-6)
    assert line["seconds"] == pytest.approx(4 / 25)


def test_the_models_own_pace_and_calibration_are_taken(tmp_path: Path) -> None:
    facts = {"pace": {"rate": 10.0, "frames": 31}, "calibration": {"temperature": 2.0, "threshold": 0.8}}
    model = save(tmp_path / "model.safetensors", **facts)
    setup = set_up(model, Settings(hop=1.0))
    assert (setup.plan.rate, setup.plan.hop, setup.plan.distance, setup.plan.length) == (10, 10, 10, 31)
    assert (setup.calibration.temperature, setup.calibration.threshold) == (2.0, 0.8)
    given = set_up(model, Settings(rate=20, window=1.0, threshold=0.5))
    assert (given.plan.rate, given.plan.distance) == (20, 7)  # 3 x 7 and a second frame: 22 of 20
    assert (given.calibration.temperature, given.calibration.threshold) == (2.0, 0.5)
    with pytest.raises(FarviewError, match="--threshold"):
        set_up(model, Settings(threshold=2))


def test_calibrated_on_given_predictions(tmp_path: Path) -> None:
    model = save(tmp_path / "model.safetensors")
    rows = ["walk,walk,walk,0.9,0.05,0.05"] * 9 + ["b,fall,walk,0.6,0.3,0.1"]
    (tmp_path / "p.csv").write_text("\n".join(["clip,label,predicted,walk,fall,background", *rows]))
    made = set_up(model, Settings(predictions=tmp_path / "p.csv", precision=1.0)).calibration
    assert made.threshold is not None and made.threshold > 0.6
    (tmp_path / "p.csv").write_text("clip,label,predicted,walk,fall,background\na,fall,walk,0.9,0.1,0\n")
    with pytest.raises(FarviewError, match=r"p\.csv: no threshold makes 90% .* right"):
        set_up(model, Settings(predictions=tmp_path / "p.csv"))
    with pytest.raises(FarviewError, match="--precision: is for --calibrate"):
        set_up(model, Settings(precision=0.95))


def test_an_exported_model_is_watched_alike_without_torch(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    for library in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(library)
    model, exported = save(tmp_path / "model.safetensors"), tmp_path / "model.zip"
    np.save(tmp_path / "a.npy", elr_frames(60))
    main(["export", str(model), "--quiet", "--out", str(exported), "--check", str(tmp_path / "a.npy")])
    capsys.readouterr()
    words = [str(tmp_path / "a.npy"), "--json", "--hop", "0.2"]
    main(["watch", str(model), *words])
    expected = lines(capsys)
    code = "import sys; sys.modules['torch'] = None; from farview.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "watch", str(exported), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    made = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["label"] for line in made] == [line["label"] for line in expected] and len(made) > 5
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(list(one["scores"].values()), list(other["scores"].values()), atol=1e-4)


def test_all_but_the_engine_comes_without_torch() -> None:
    code = (
        "import sys; import farview.deploy.watch.watch, farview.deploy.watch.view, farview.deploy.watch.stream\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_errors_name_the_recording(tmp_path: Path) -> None:
    model = save(tmp_path / "model.safetensors")
    setup = set_up(model, Settings())
    with pytest.raises(UnreadableClip, match="too few pixels"):
        list(watch_recording(setup, MemoryFrames(np.zeros((9, 4, 4, 3), np.uint8))))
    np.save(tmp_path / "a.npy", np.zeros((5, 24, 32, 3), np.uint8))
    main(["record", str(tmp_path / "a.npy"), str(tmp_path / "a.mkv"), "--height", "3", "--width", "4"])
    with pytest.raises(UnreadableClip, match=r"a\.mkv: an eLR recording of 3x4"):
        list(watch_recording(setup, source_of(tmp_path / "a.mkv")))
    for words, expected in (
        ([str(tmp_path / "none.mp4")], r"none\.mp4: no such file"),
        ([], "--sources"),
        ([str(tmp_path / "a.npy"), "--hop", "0"], "--hop"),
        ([str(tmp_path / "a.npy"), "--rate", "0"], "--rate"),
        ([str(tmp_path / "a.npy"), "--window", "0"], "--window"),
        ([str(tmp_path / "a.npy"), "--smooth", "-1"], "--smooth"),
        ([str(tmp_path / "a.npy"), "--calibrate", "none.csv"], r"none\.csv"),
        ([str(tmp_path / "a.npy"), "--on", "wlak", "--exec", "true"], "did you mean 'walk'"),
        ([str(tmp_path / "a.npy"), "--on", "walk"], "--exec COMMAND or --webhook"),
        ([str(tmp_path / "a.npy"), "--webhook", "file:///etc/passwd"], "http://"),
        ([str(tmp_path / "a.npy"), "--exec", "'"], "--exec"),
    ):
        with pytest.raises(SystemExit, match=expected):
            main(["watch", str(model), *words])
