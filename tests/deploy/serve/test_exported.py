"""Exported models are served as the model file is, where PyTorch is not installed."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

import farview
from farview.deploy.export import export
from farview.deploy.formats import Format
from farview.deploy.serve.network import Network
from farview.frames.sensor import SensorModel
from tests.deploy.models import FLAT, model_file
from tests.deploy.serve.clients import RAW, client, eleven_frames
from tests.deploy.serve.server import serving
from tests.deploy.test_predict import HIDDEN
from tests.frames.videos import moving_picture, write_video

CONTRACT = replace(FLAT, sensor=SensorModel(12, 16))
FRAMES = "api/frames?shape=11x12x16x3"


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    return model_file(folder / "flat.safetensors", CONTRACT)


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    return write_video(folder / "clip.mp4", moving_picture(15, 48, 64))


def exported(model: Path, clip: Path, format: Format) -> Path:
    path = model.with_suffix(f".{format}.zip")
    if not path.exists():
        pytest.importorskip("onnxruntime", reason="pip install 'farview[export]'")
        export(model, format, path, check=[str(clip)], quiet=True)
    return path


@pytest.fixture(scope="module")
def no_pytorch(folder: Path) -> dict[str, str]:
    """An environment whose processes, decoding ones too, cannot import what trains."""
    hidden = {"torch", "lightning", "torchmetrics", "tensorboard", "scipy", "filelock", "onnx"}
    (folder / "sitecustomize.py").write_text(HIDDEN.format(names=hidden))
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_the_same_answers_without_pytorch(
    model: Path, clip: Path, format: Format, no_pytorch: dict[str, str]
) -> None:
    if format == "openvino":
        pytest.importorskip("openvino", reason="pip install 'farview[openvino]'; make test-openvino")
    frames, original = eleven_frames(), farview.load(model)
    window = ("--rate", "10", "--window", "1.1")
    with (
        serving(exported(model, clip, format), *window, environment=no_pytorch) as server,
        httpx.Client(base_url=server.bare) as asking,
    ):
        said = asking.post(FRAMES, content=frames.tobytes(), headers=RAW).json()
        of_clip = asking.post("api/predict", files={"clip": clip.read_bytes()}).json()
        with connect(f"ws{server.bare.removeprefix('http')}/api/live") as live:
            for frame in frames:
                live.send(frame.tobytes())
            of_live = httpx.Response(200, content=live.recv(60)).json()
        assert asking.get("api/model").json()["maps"] is False
        assert "app.js" in asking.get("/").text
        refused = asking.post(FRAMES + "&maps=true", content=frames.tobytes(), headers=RAW)
        assert refused.status_code == 400 and refused.json()["error"].startswith("an exported model gives no")
    for answer, expected in ((said, frames), (of_clip, clip), (of_live, frames)):
        prediction = original.predict(expected)
        assert answer["label"] == prediction.label and "maps" not in answer
        assert answer["scores"] == pytest.approx(prediction.scores, abs=1e-4)
        assert answer["attention"] == pytest.approx(prediction.attention, abs=1e-4)
    assert said["scores"] != pytest.approx(of_clip["scores"], abs=1e-2)  # or the model would not look


def test_windows_together_are_what_they_are_alone(model: Path, clip: Path) -> None:
    shape = CONTRACT.intervals.count, CONTRACT.intervals.frames, 12, 16, 3
    rng = np.random.default_rng(0)
    windows = [(rng.integers(0, 256, shape) * rng.random()).astype(np.uint8) for _ in range(5)]
    made, original = Network(exported(model, clip, "onnx")), Network(model)
    together = made.answers(windows)
    for window, answer, expected in zip(windows, together, original.answers(windows), strict=True):
        for other in (expected, made.answers([window])[0]):
            assert answer.scores == pytest.approx(other.scores, abs=1e-4)
            np.testing.assert_allclose(answer.attention, other.attention, atol=1e-4)


def test_the_page_learns_whether_there_are_maps(model: Path, clip: Path) -> None:
    for path, maps in ((model, True), (exported(model, clip, "onnx"), False)):
        with client(path) as server:
            assert server.get("/api/model").json()["maps"] is maps
            answer = server.post(f"/{FRAMES}&maps=false", content=eleven_frames().tobytes(), headers=RAW)
            assert answer.status_code == 200 and "maps" not in answer.json()


def test_a_model_file_names_what_runs_it(model: Path, no_pytorch: dict[str, str]) -> None:
    command = [sys.executable, "-m", "farview", "serve", str(model), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | no_pytorch)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"{model} needs torch" in done.stderr and "'farview[train]'" in done.stderr
