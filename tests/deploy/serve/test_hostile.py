"""What must not be served gets one line and the right status, and the server goes on."""

import io
import multiprocessing
import os
import signal
import struct
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from farview.deploy.serve import service
from farview.deploy.serve.limits import Limits
from farview.deploy.serve.live import Window
from farview.deploy.serve.sensor import Matrices, matrices
from tests.deploy.serve.clients import LIVE, RAW, TOKEN, client, eleven_frames
from tests.frames.videos import moving_picture, write_video

LIMITS = Limits(upload_mb=2, duration=2, pixels=640 * 480, frames=100, seconds=3, memory_mb=300)


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[TestClient]:
    with client(model, limits=LIMITS, window=Window(rate=10, window=0.5, hop=0.5)) as made:
        yield made


def refusal(answer, status: int) -> str:  # type: ignore[no-untyped-def]
    """The one line of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"error"}
    text: str = answer.json()["error"]
    assert text and "\n" not in text and "Traceback" not in text and len(text) < 250
    return text


def still_serves(server: TestClient) -> None:
    frames = eleven_frames()
    answer = server.post("/api/frames?shape=11x12x16x3", content=frames.tobytes(), headers=RAW)
    assert answer.status_code == 200


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("frames.npy", bytes(50_000_000))
    return file.getvalue()


@pytest.mark.parametrize(
    "clip",
    [
        b"",
        b"hello",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"%PDF-1.7",
        zip_bomb(),
    ],
    ids=["empty", "text", "playlist", "concat", "picture", "pdf", "zip"],
)
def test_what_is_no_video(server: TestClient, clip: bytes) -> None:
    assert "no video" in refusal(server.post("/api/predict", files={"clip": ("a.mp4", clip)}), 415)
    still_serves(server)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/cron.d/x", "..\\..\\x.mp4", "a\0.mp4"])
def test_a_path_in_the_name(server: TestClient, name: str) -> None:
    line = f'--b\r\nContent-Disposition: form-data; name="clip"; filename="{name}"\r\n\r\nftyp\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    refusal(server.post("/api/predict", content=line.encode(), headers=headers), 400)


@pytest.mark.parametrize(
    "body", [b"", b"no form", b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n']
)
def test_forms_without_a_clip(server: TestClient, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    refusal(server.post("/api/predict", content=body, headers=headers), 400)
    refusal(server.post("/api/predict", content=body, headers={"content-type": "multipart/form-data"}), 400)


def test_other_content_types(server: TestClient) -> None:
    refusal(server.post("/api/predict", content=b"{}", headers={"content-type": "application/json"}), 415)


def test_bodies_that_are_too_large(server: TestClient) -> None:
    headers = {"content-type": "video/mp4"}
    said = "a clip takes at most 2 MB, got "
    answer = server.post("/api/predict", content=bytes(3_000_000), headers=headers)
    assert refusal(answer, 413) == said + "3000000 bytes"
    answer = server.post("/api/predict", content=iter([bytes(1_000_000)] * 3), headers=headers)
    assert refusal(answer, 413) == said + "more"
    answer = server.post("/api/predict", files={"clip": bytes(3_000_000)})
    assert refusal(answer, 413) == f"{said}{answer.request.headers['content-length']} bytes"
    still_serves(server)


def test_frames_that_are_too_large(server: TestClient, folder: Path) -> None:
    path = write_video(folder / "large.mp4", moving_picture(2, 960, 1280))
    text = refusal(server.post("/api/predict", files={"clip": path.read_bytes()}), 422)
    assert "1228800 pixels" in text and "307200" in text


def test_a_size_of_which_only_the_header_speaks(server: TestClient, folder: Path) -> None:
    clip = bytearray(write_video(folder / "a.mp4", moving_picture(5, 48, 64)).read_bytes())
    place = (
        clip.index(b"avc1", clip.index(b"stsd")) + 4 + 24
    )  # width and height in the sample's description, ISO 14496-12, 12.1.3
    assert struct.unpack(">HH", clip[place : place + 4]) == (64, 48)
    clip[place : place + 4] = struct.pack(">HH", 65535, 65535)
    # The decoder believes the stream itself: either is right, an answer or a refusal, but not a crash.
    assert server.post("/api/predict", files={"clip": bytes(clip)}).status_code in (200, 422)
    still_serves(server)


def test_huge_dimensions_in_the_stream(server: TestClient, folder: Path) -> None:
    avi = bytearray(
        write_video(folder / "raw.avi", moving_picture(2, 48, 64), "rawvideo", "bgr24").read_bytes()
    )
    place = avi.index(b"strf") + 12  # BITMAPINFOHEADER's width and height
    assert struct.unpack("<ii", avi[place : place + 8]) in ((64, 48), (64, -48))
    avi[place : place + 8] = struct.pack("<ii", 30000, 30000)
    refusal(server.post("/api/predict", files={"clip": bytes(avi)}), 422)
    still_serves(server)


def test_clips_that_are_too_long(server: TestClient, folder: Path) -> None:
    path = write_video(folder / "long.mp4", moving_picture(70, 24, 32))
    assert "takes 3 s" in refusal(server.post("/api/predict", files={"clip": path.read_bytes()}), 422)
    # Matroska that is written as a stream does not say how long it is.
    path = write_video(folder / "long.mkv", moving_picture(70, 24, 32), container_options={"live": "1"})
    assert "70 frames" in refusal(server.post("/api/predict", files={"clip": path.read_bytes()}), 422)


def test_cut_and_scrambled_clips(server: TestClient, folder: Path) -> None:
    whole = write_video(folder / "whole.mp4", moving_picture(10, 48, 64)).read_bytes()
    refusal(server.post("/api/predict", files={"clip": whole[: len(whole) // 2]}), 422)
    rng = np.random.default_rng(0)
    for _ in range(20):
        clip = np.frombuffer(whole, np.uint8).copy()
        clip[rng.integers(8, len(clip), 40)] = rng.integers(0, 256, 40)
        answer = server.post("/api/predict", files={"clip": clip.tobytes()})
        if answer.status_code != 200:
            refusal(answer, 422)
    still_serves(server)


def test_decoding_that_takes_too_long_is_killed(model: Path, folder: Path) -> None:
    clip = write_video(folder / "short.mp4", moving_picture(5, 48, 64)).read_bytes()
    others = set(multiprocessing.active_children())
    with client(model, limits=Limits(seconds=1)) as server:
        [decoder] = set(multiprocessing.active_children()) - others
        assert decoder.pid is not None
        os.kill(decoder.pid, signal.SIGSTOP)  # as slow as can be
        text = refusal(server.post("/api/predict", files={"clip": clip}), 422)
        assert "takes more than 1 s" in text
        assert not decoder.is_alive()
        assert server.post("/api/predict", files={"clip": clip}).status_code == 200
    assert set(multiprocessing.active_children()) <= others


def test_decoding_that_takes_too_much_memory_ends(model: Path, folder: Path) -> None:
    clip = write_video(folder / "heavy.mp4", moving_picture(20, 480, 640)).read_bytes()
    with client(model, limits=Limits(memory_mb=5)) as server:
        refusal(server.post("/api/predict", files={"clip": clip}), 422)
        still_serves(server)


@pytest.mark.parametrize(
    "shape",
    ["", "x", "11", "11x12x16", "11x16x12x3", "11x12x16x1", "0x12x16x3", "-1x12x16x3", "101x12x16x3",
     "2x1x12x16x3", "99999999999999x12x16x3", "1e3x12x16x3", "²x12x16x3", "11x12x16x3x"],
)  # fmt: skip
def test_shapes_that_are_not_the_models(server: TestClient, shape: str) -> None:
    body = eleven_frames().tobytes()
    refusal(server.post("/api/frames", params={"shape": shape}, content=body, headers=RAW), 400)


def test_bodies_that_are_not_their_shapes(server: TestClient) -> None:
    assert "takes 576 bytes, got 575" in refusal(
        server.post("/api/frames?shape=1x12x16x3", content=bytes(575), headers=RAW), 400
    )
    for body, got in ((bytes(577), "577 bytes"), (iter([bytes(500)] * 2), "more")):
        answer = server.post("/api/frames?shape=1x12x16x3", content=body, headers=RAW)
        assert refusal(answer, 413) == f"shape=1x12x16x3 takes 576 bytes, got {got}"
    refusal(server.post("/api/frames", content=bytes(576), headers=RAW), 400)


@pytest.mark.parametrize(
    "query", ["height=0&width=9", "height=99999&width=9", "height=5&width=5", "height=a&width=1", ""]
)
def test_sensors_that_cannot_be(server: TestClient, query: str) -> None:
    refusal(server.get(f"/api/sensor?{query}"), 400)


def test_sensors_are_made_one_at_a_time(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few wait, more are sent away, and what is asked meanwhile is answered."""
    making, most = threading.Semaphore(0), []

    def slowly(*asked: Any) -> Matrices:
        most.append(len(busy))
        busy.append(asked)
        making.acquire(timeout=20)
        busy.remove(asked)
        return matrices(*asked)

    busy: list[Any] = []
    monkeypatch.setattr(service, "matrices", slowly)
    count = service.SENSORS + 5
    with client(model) as server, ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(server.get, f"/api/sensor?height={48 + n}&width=64") for n in range(count)]
        sent_away = [future.result() for future in islice(as_completed(asked), 4)]
        assert all("busy" in refusal(answer, 503) for answer in sent_away)
        assert server.get("/health").status_code == 200
        making.release(count)
        answers = [future.result() for future in asked]
    assert sorted({answer.status_code for answer in answers}) == [200, 503]
    assert max(most) == 0


def test_frames_for_a_sensor_are_no_larger_than_the_pages(server: TestClient) -> None:
    assert "const LONGEST = 1280;" in server.get("/page/app.js").text
    assert server.get("/api/sensor?height=720&width=1280").status_code == 200
    refusal(server.get("/api/sensor?height=720&width=1281"), 400)


@pytest.mark.parametrize(
    "path", ["/page/../api.py", "/page/%2e%2e/api.py", "/page/..%2fapi.py", "/page/nothing", "/x"]
)
def test_pages_that_are_not_there(server: TestClient, path: str) -> None:
    refusal(server.get(path), 404)


@pytest.mark.parametrize("message", ["text", bytes(575), bytes(577), b""])
def test_live_messages_that_are_no_frames(server: TestClient, message: str | bytes) -> None:
    with server.websocket_connect(LIVE) as live:
        live.send_text(message) if isinstance(message, str) else live.send_bytes(message)
        with pytest.raises(WebSocketDisconnect) as closed:
            live.receive_json()
    assert closed.value.code == 1003 and "576 bytes" in closed.value.reason
    still_serves(server)


def test_live_clients_that_send_nothing_or_too_much(model: Path) -> None:
    with client(model, limits=Limits(seconds=0.1, live_rate=10), window=Window(rate=10)) as server:
        with server.websocket_connect(LIVE) as live, pytest.raises(WebSocketDisconnect) as closed:
            live.receive_json()
        assert closed.value.reason == "no frame for 0.1 s"
        with server.websocket_connect(LIVE) as live, pytest.raises(WebSocketDisconnect) as closed:
            for _ in range(40):
                live.send_bytes(bytes(576))
            while True:
                live.receive_json()
        assert closed.value.reason == "more than 10 frames a second"


def test_too_many_live_clients(model: Path) -> None:
    with client(model, limits=Limits(live=1)) as server, server.websocket_connect(LIVE):
        with pytest.raises(WebSocketDenialResponse) as refused, server.websocket_connect(LIVE):
            pass
        assert "live connections" in refusal(refused.value, 503)
        assert int(refused.value.headers["retry-after"]) >= 1


def test_without_the_token_nothing_is_said(model: Path) -> None:
    with client(model, "http://camera.example:8000", token=TOKEN) as server:
        for path in (
            "/api/model",
            "/api/sensor?height=60&width=80",
            "/metrics",
            "/api/nothing",
            "/elsewhere",
        ):
            refusal(server.get(path), 401)
            refusal(server.get(path, headers={"authorization": "Bearer wrong"}), 401)
            refusal(server.get(path, headers={"authorization": TOKEN}), 401)
        right = {"authorization": f"Bearer {TOKEN}"}
        assert server.get("/api/model", headers=right).status_code == 200
        assert server.get("/").status_code == server.get("/page/app.js").status_code == 200
        live = "ws://camera.example:8000/api/live"
        with pytest.raises(WebSocketDenialResponse), server.websocket_connect(live):
            pass
        with server.websocket_connect(live, headers=right):
            pass
        with server.websocket_connect(live, subprotocols=["farview", TOKEN]) as socket_:
            assert socket_.accepted_subprotocol == "farview"


def test_other_sites_are_kept_out(server: TestClient) -> None:
    # A site whose name leads to this machine (DNS rebinding), and one whose page sends requests here.
    refusal(server.get("/api/model", headers={"host": "evil.example"}), 403)
    refusal(server.post("/api/predict", headers={"origin": "https://evil.example"}), 403)
    refusal(server.get("/api/model", headers={"origin": "http://["}), 403)
    with pytest.raises(WebSocketDenialResponse):
        server.websocket_connect(LIVE, headers={"origin": "https://evil.example"}).__enter__()
    assert server.get("/api/model", headers={"origin": "http://localhost:8000"}).status_code == 200
    assert server.get("/api/model", headers={"host": "[::1]:8000"}).status_code == 200


def test_too_many_requests(model: Path) -> None:
    with client(model, limits=Limits(requests=1)) as server:
        answers = [server.get("/api/model") for _ in range(20)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:10] == [200] * 10 and statuses[-1] == 429
        assert answers[-1].headers["retry-after"] == "10"
        assert server.get("/health").status_code == 200
