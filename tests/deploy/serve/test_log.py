"""What clients do, rude ones too, is answered and counted, and leaves nothing in the log."""

import json
import socket
from pathlib import Path

import httpx
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.deploy.serve.clients import TOKEN
from tests.deploy.serve.server import Server, serving

RIGHT = {"authorization": f"Bearer {TOKEN}"}
UPLOADS = {
    "/api/frames?shape=11x12x16x3": "application/octet-stream",
    "/api/predict": "video/mp4",
    "/api/predict?maps=true": "multipart/form-data; boundary=b",
}
"""Each with its content type."""
LIMITS = ("--limit.live", "1", "--limit.requests", "100000")


def test_nothing_of_it_is_in_the_log(model: Path, tmp_path: Path) -> None:
    with (
        open(tmp_path / "log", "w+") as log,
        serving(model, "--token", TOKEN, *LIMITS, errors=log) as server,
    ):
        uploads_are_broken_off(server)
        handshakes_are_refused(server)
        live_connections_end(server)
        server.process.terminate()
        server.process.wait(60)
        log.seek(0)
        assert log.read() == ""


def uploads_are_broken_off(server: Server) -> None:
    host, port = server.bare.removeprefix("http://").split(":")
    for path, kind in UPLOADS.items():
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {RIGHT['authorization']}\r\n"
            head += f"Content-Type: {kind}\r\nContent-Length: 5000\r\n\r\n"
            connection.sendall(head.encode() + b"--b\r\n")
            assert httpx.get(f"{server.bare}/health").status_code == 200  # the upload has begun by now
    assert becomes(server, 'farview_requests_total{path="/api/frames",status="499"}', 1)
    assert becomes(server, 'farview_requests_total{path="/api/predict",status="499"}', 2)


def handshakes_are_refused(server: Server) -> None:
    status, said, headers = refusal(server, {})
    assert status == 401 and "token" in said and headers["www-authenticate"] == "Bearer"
    status, said, headers = refusal(server, RIGHT | {"origin": "https://evil.example"})
    assert status == 403 and "another site's page" in said
    with connect(place(server), additional_headers=RIGHT):
        status, said, headers = refusal(server, RIGHT)
        assert status == 503 and "live connections" in said and int(headers["retry-after"]) >= 1
    assert becomes(server, 'farview_live_ended_total{reason="left"}', 1)


def live_connections_end(server: Server) -> None:
    """One by a message that is longer than any frame."""
    with connect(place(server), additional_headers=RIGHT) as live:
        live.send(bytes(5000))
        with pytest.raises(ConnectionClosed):
            live.recv(60)
    assert becomes(server, 'farview_live_ended_total{reason="no frame"}', 1)


def refusal(server: Server, headers: dict[str, str]) -> tuple[int, str, Headers]:
    """Status, line and headers of the answer to a handshake."""
    with pytest.raises(InvalidStatus) as refused, connect(place(server), additional_headers=headers):
        pass
    answer = refused.value.response
    said = json.loads(answer.body)
    assert said.keys() == {"error"}
    return answer.status_code, said["error"], answer.headers


def place(server: Server) -> str:
    return f"ws{server.bare.removeprefix('http')}/api/live"


def becomes(server: Server, name: str, value: int) -> bool:
    """Whether a counter comes to stand at `value`: what is counted when a client has gone, comes later."""
    for _ in range(1000):
        text = httpx.get(f"{server.bare}/metrics", headers=RIGHT).text
        if f"{name} {value}.0" in text.splitlines():
            return True
    return False
