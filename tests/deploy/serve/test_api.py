"""What the server answers is what the model says, however the frames come."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

import farview
from farview.deploy.record import Settings, record_file
from farview.deploy.serve.api import application
from farview.deploy.serve.live import Window
from farview.errors import FarviewError
from farview.frames.flow import FlowConfig
from farview.frames.video import VideoFile
from farview.models.contract import read_contract
from farview.models.model_file import save_model
from farview.models.network import ActionNetwork
from tests.deploy.serve.clients import LIVE, RAW, SENSOR, client, eleven_frames, small_model
from tests.deploy.test_record import model_file
from tests.frames.videos import moving_picture, write_video


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[TestClient]:
    with client(model, window=Window(rate=10, window=1, hop=0.2)) as made:
        yield made


def test_raw_frames(server: TestClient, model: Path) -> None:
    frames = eleven_frames()
    answer = server.post("/api/frames?shape=11x12x16x3", content=frames.tobytes(), headers=RAW)
    expected = farview.load(model).predict(frames)
    assert answer.status_code == 200
    assert answer.json()["label"] == expected.label
    assert answer.json()["scores"] == pytest.approx(expected.scores, abs=1e-6)
    assert answer.json()["attention"] == pytest.approx(expected.attention, abs=1e-6)
    assert "maps" not in answer.json()


def test_intervals_that_the_client_chose(server: TestClient) -> None:
    frames = eleven_frames()
    whole = server.post(
        "/api/frames?shape=11x12x16x3&maps=true", content=frames.tobytes(), headers=RAW
    ).json()
    # Segments of 11/3 frames: their middles are at 1.8, 5.5 and 9.2.
    body = frames[[1, 5, 9]].tobytes()
    chosen = server.post("/api/frames?shape=3x1x12x16x3&maps=true", content=body, headers=RAW).json()
    assert chosen == whole
    maps = np.array(chosen["maps"])
    assert maps.ndim == 3 and len(maps) == 3 and maps.max() == 255 and maps.min() >= 0


@pytest.mark.parametrize("form", [True, False])
def test_a_clip(server: TestClient, model: Path, folder: Path, form: bool) -> None:
    path = write_video(folder / "clip.mp4", moving_picture(15, 48, 64))
    if form:
        answer = server.post("/api/predict", files={"clip": ("clip.mp4", path.read_bytes())})
    else:
        answer = server.post("/api/predict", content=path.read_bytes(), headers={"content-type": "video/mp4"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["scores"] == pytest.approx(farview.load(model).predict(path).scores, abs=1e-6)


def test_a_recording_of_elr_frames_is_not_degraded_again(
    server: TestClient, model: Path, folder: Path
) -> None:
    clip = write_video(folder / "long.mp4", moving_picture(15, 48, 64))
    record_file(VideoFile(clip), folder / "elr.mkv", Settings(SENSOR))
    answer = server.post("/api/predict", files={"clip": ("elr.mkv", (folder / "elr.mkv").read_bytes())})
    assert answer.json()["scores"] == pytest.approx(farview.load(model).predict(clip).scores, abs=1e-6)


def test_grey_models_see_luma(folder: Path) -> None:
    """And take frames of one channel; those of three are another sensor's."""
    grey = small_model(folder, channels=1)
    path = write_video(folder / "colour.mp4", moving_picture(9, 48, 64))
    with client(grey) as server:
        answer = server.post("/api/predict", files={"clip": path.read_bytes()})
        frames = eleven_frames()
        one = server.post("/api/frames?shape=11x12x16x1", content=frames[..., :1].tobytes(), headers=RAW)
        three = server.post("/api/frames?shape=11x12x16x3", content=frames.tobytes(), headers=RAW)
    assert answer.json()["scores"] == pytest.approx(farview.load(grey).predict(path).scores, abs=1e-6)
    assert one.status_code == 200 and three.status_code == 400


def test_live(server: TestClient, model: Path) -> None:
    frames = eleven_frames(count=14)
    said = []
    with server.websocket_connect(LIVE) as socket:
        for number, frame in enumerate(frames, 1):
            socket.send_bytes(frame.tobytes())
            if number >= 10 and number % 2 == 0:  # a window of 1 s at 10 frames a second, then every 0.2 s
                said.append(socket.receive_json())
    for end, answer in zip((10, 12, 14), said, strict=True):
        window = farview.load(model).predict(frames[end - 10 : end])
        assert answer["scores"] == pytest.approx(window.scores, abs=1e-6)
        # Of 10 frames in 3 segments of 10/3 the middles are 1.7, 5, 8.3.
        assert answer["frames"] == [[end - 10 + 1], [end - 10 + 5], [end - 10 + 8]]


def test_it_tells_about_itself(server: TestClient) -> None:
    facts = server.get("/api/model").json()
    assert (facts["height"], facts["width"], facts["channels"], facts["window"]) == (12, 16, 3, 10)
    assert facts["classes"] == ["walk", "fall"]
    assert server.get("/health").json() == {"status": "ok"}
    assert server.head("/health").status_code == 200 and server.head("/health").content == b""
    assert {"/api/predict", "/api/frames", "/api/sensor"} <= server.get("/openapi.json").json()[
        "paths"
    ].keys()


def test_metrics_count(server: TestClient) -> None:
    def counted() -> float:
        lines = server.get("/metrics").text.splitlines()
        found = [
            line
            for line in lines
            if line.startswith('farview_requests_total{path="/api/frames",status="400"}')
        ]
        return float(found[0].split()[-1]) if found else 0.0

    before = counted()
    server.post("/api/frames?shape=1x12x16x3", content=b"short", headers=RAW)
    assert counted() == before + 1


def test_the_sensor_as_json(server: TestClient) -> None:
    made = server.get("/api/sensor?height=60&width=90").json()
    rows, columns = SENSOR.matrices(60, 90)
    for key, expected in (("rows", rows), ("columns", columns)):
        matrix = np.zeros_like(expected)
        for line, band in zip(matrix, made[key], strict=True):
            line[band["start"] : band["start"] + len(band["weights"])] = band["weights"]
        np.testing.assert_array_equal(matrix / made["unit"], expected)
    assert made["noise"] == 2.0
    coarser = server.get("/api/sensor?height=60&width=90&rows=6").json()
    assert (len(coarser["rows"]), len(coarser["columns"]), coarser["noise"]) == (6, 8, 0.0)


def test_pages_name_no_other_site(server: TestClient) -> None:
    for path in (
        "/",
        "/docs",
        *(f"/page/{name}" for name in ("style.css", "app.js", "docs.js", "picture.js", "sensor.js")),
    ):
        answer = server.get(path)
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        addresses = answer.text.replace("http://www.w3.org/2000/svg", "").replace("://${location", "")
        assert "://" not in addresses and 'src="//' not in addresses, path


def test_models_for_hr_frames_are_not_served(tmp_path: Path) -> None:
    path = model_file(tmp_path / "teacher.safetensors", SENSOR, resolution="hr")
    with pytest.raises(FarviewError, match=r"teacher.safetensors: sees HR frames"), client(path):
        pass


def test_models_of_flow_are_not_served(tmp_path: Path) -> None:
    contract = replace(
        read_contract(small_model(tmp_path)), flow=FlowConfig(), channels=2, mean=(0.5,) * 2, std=(0.2,) * 2
    )
    save_model(tmp_path / "flow.safetensors", ActionNetwork(contract.network, 2, 2, 3, 1), contract)
    with pytest.raises(FarviewError, match=r"flow.safetensors: sees optical flow"):
        application(tmp_path / "flow.safetensors")
