"""The server as replicas under Ray Serve, on this machine, by its own command. Run with: make test-cluster"""

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from farview.cli import main
from farview.deploy.serve.live import Window
from tests.deploy.serve.clients import RAW, client, eleven_frames
from tests.deploy.serve.server import Server, serving
from tests.deploy.serve.test_docs import PAGE
from tests.frames.videos import moving_picture, write_video

pytestmark = pytest.mark.slow
FRAMES = "/api/frames?shape=11x12x16x3"
WINDOW = ("--rate", "10", "--window", "1", "--hop", "1")


@pytest.fixture(scope="module")
def ordinary(model: Path) -> Iterator[TestClient]:
    with client(model, window=Window(rate=10, window=1, hop=1)) as made:
        yield made


@pytest.fixture(scope="module")
def clip(folder: Path) -> bytes:
    return write_video(folder / "clip.mp4", moving_picture(15, 48, 64)).read_bytes()


def replicas(asking: httpx.Client) -> int:
    """How many answer, told apart by the time at which they began to count."""
    lines = [line for _ in range(40) for line in asking.get("/metrics").text.splitlines()]
    return len({line for line in lines if line.startswith("farview_batch_windows_created ")})


def test_ray_replicas_answer_as_the_ordinary_server(model: Path, ordinary: TestClient, clip: bytes) -> None:
    pytest.importorskip("ray", reason="pip install 'farview[cluster]'")
    assert "\nfarview serve model.safetensors --replicas 2\n" in PAGE
    with serving(model, "--replicas", "2", "--limit.upload_mb", "1", *WINDOW) as server:
        token = server.address.partition("#token=")[2]
        assert server.bare.startswith("http://127.0.0.1:") and len(token) >= 20  # also on loopback
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=server.bare, headers=headers, timeout=60) as asking:
            assert replicas(asking) == 2
            for seed in range(5):
                body = eleven_frames(seed).tobytes()
                same(*(each.post(FRAMES, content=body, headers=RAW) for each in (asking, ordinary)))
                same(*(each.post("/api/predict", files={"clip": clip}) for each in (asking, ordinary)))
            hostile(asking, clip)
            assert httpx.post(server.bare + "/api/predict", files={"clip": clip}).status_code == 401
            assert httpx.get(server.bare).status_code == 200  # the page
        live(server, ordinary, headers)
        drains(server, headers)


def same(answer: httpx.Response, expected: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.json()["scores"] == pytest.approx(expected.json()["scores"], abs=1e-5)
    assert answer.json()["attention"] == pytest.approx(expected.json()["attention"], abs=1e-5)


def hostile(asking: httpx.Client, clip: bytes) -> None:
    for content, status in (
        (b"#EXTM3U\nfile:///etc/passwd\n", 415),
        (clip[: len(clip) // 2], 422),
        (bytes(2_000_000), 413),
        (iter([bytes(100_000)] * 1000), 413),  # without a length
    ):
        answer = asking.post("/api/predict", content=content, headers={"content-type": "video/mp4"})
        assert answer.status_code == status and answer.json().keys() == {"error"}, answer.text
    wrong = asking.post(FRAMES, content=bytes(11 * 576 + 1), headers=RAW)
    assert wrong.status_code == 413
    assert asking.post("/api/frames?shape=11x1x1x3", content=b"", headers=RAW).status_code == 400


def live(server: Server, ordinary: TestClient, headers: dict[str, str]) -> None:
    place = f"ws{server.bare.removeprefix('http')}/api/live"
    frames = eleven_frames(count=10)
    expected = ordinary.post("/api/frames?shape=10x12x16x3", content=frames.tobytes(), headers=RAW)
    with connect(place, additional_headers=headers) as socket_:
        for frame in frames:
            socket_.send(frame.tobytes())
        same(httpx.Response(200, content=socket_.recv(60)), expected)
        socket_.send(b"no frame")
        with pytest.raises(ConnectionClosed, match="expected eLR frames"):
            socket_.recv(60)
    with pytest.raises(InvalidStatus, match="401"), connect(place):
        pass


def drains(server: Server, headers: dict[str, str]) -> None:
    """A request whose body is still coming when SIGTERM comes is answered; then all of it is gone."""
    host, port = server.bare.removeprefix("http://").split(":")
    body = eleven_frames().tobytes()
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST {FRAMES} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['authorization']}\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:100])
        time.sleep(1)  # until a replica has it
        server.process.send_signal(signal.SIGTERM)
        while httpx.get(f"{server.bare}/api/model", headers=headers).status_code == 200:
            time.sleep(0.1)
        connection.sendall(body[100:])
        assert b"200 OK" in connection.recv(1000).splitlines()[0]
    assert server.process.wait(120) == 0
    with pytest.raises(OSError):
        socket.create_connection((host, int(port)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["0"], "--replicas is 0; it must be 1 or more"),
        (["1", "--tls"], "--tls: with --replicas it takes two files"),
        (["999"], "--replicas 999: each takes a processor, the cluster has"),
    ],
)
def test_ray_says_what_cannot_be(model: Path, options: list[str], expected: str) -> None:
    pytest.importorskip("ray", reason="pip install 'farview[cluster]'")
    with pytest.raises(SystemExit, match=expected) as ended:
        main(["serve", str(model), "--port", "0", "--replicas", *options])
    assert "\n" not in str(ended.value)
