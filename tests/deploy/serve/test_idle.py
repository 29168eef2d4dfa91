"""Connections that send no request are closed, so that they keep nobody out."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from websockets.sync.client import connect

from farview.deploy.serve import idle

SECONDS = 0.5
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(params=["h11_impl.H11Protocol", "httptools_impl.HttpToolsProtocol"])
def port(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server with either of uvicorn's protocols, which takes three connections."""
    name, _, protocol = request.param.partition(".")
    module = pytest.importorskip(f"uvicorn.protocols.http.{name}")
    monkeypatch.setattr(idle, "AutoHTTPProtocol", getattr(module, protocol))
    app = FastAPI()

    @app.get("/")
    def short() -> str:
        return "answer"

    @app.websocket("/live")
    async def live(connection: WebSocket) -> None:
        await connection.accept()
        await connection.send_text(await connection.receive_text())

    made = idle.closing_idle(SECONDS)
    config = uvicorn.Config(app, http=made, limit_concurrency=3, log_level="error")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def opened(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answer(connection: socket.socket) -> bytes:
    """The status line; nothing of a connection that was closed."""
    try:
        return connection.recv(1000).partition(b"\r\n")[0]
    except ConnectionResetError:
        return b""


def test_connections_without_a_request_keep_nobody_out(port: int) -> None:
    waiting = [opened(port) for _ in range(3)]
    waiting[1].sendall(REQUEST[:20])
    with opened(port) as late:
        late.sendall(REQUEST)
        assert b"503" in answer(late)
    assert [answer(connection) for connection in waiting] == [b""] * 3
    with opened(port) as late:
        late.sendall(REQUEST)
        assert b"200" in answer(late)
    for connection in waiting:
        connection.close()


@pytest.mark.parametrize("before", [b"", REQUEST])
def test_a_head_that_comes_letter_by_letter(port: int, before: bytes) -> None:
    """The first one of a connection, or a later one."""
    with opened(port) as slow:
        slow.sendall(before)
        assert not before or b"200" in answer(slow)
        slow.settimeout(0.05)
        for number in range(1000):
            try:
                slow.sendall(REQUEST[number : number + 1] if number < 20 else b"x")
                if not slow.recv(1000):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert number < 900  # it was not answered, nor left open


def test_requests_one_after_the_other_and_live_connections_stay(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/live") as live, closing(HTTPConnection("127.0.0.1", port)) as steady:
        steady.connect()
        first = steady.sock
        for _ in range(4):
            steady.request("GET", "/")
            assert steady.getresponse().read() == b'"answer"'
            time.sleep(0.4 * SECONDS)
        assert steady.sock is first
        live.send("still there")
        assert live.recv() == "still there"
