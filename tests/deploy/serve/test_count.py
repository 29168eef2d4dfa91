"""Every request is counted, those too that are turned away; nothing that a stranger makes up becomes a label."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from farview.deploy.serve.limits import Limits
from farview.deploy.serve.live import Window
from tests.deploy.serve.clients import LIVE, TOKEN, client

RIGHT = {"authorization": f"Bearer {TOKEN}"}


def counted(server: TestClient, name: str) -> dict[tuple[str, ...], float]:
    """A counter's values, by its labels' values in the order of the labels' names."""
    text = server.app.state.service.metrics.text().decode()  # type: ignore[attr-defined]
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for sample in samples
        if sample.name == name
    }


def test_requests_of_strangers(model: Path) -> None:
    with client(model, token=TOKEN) as server:
        for path in ("/api/model", "/made/up", "/another"):
            assert server.get(path).status_code == 401
        assert server.get("/made/up", headers=RIGHT).status_code == 404
        assert server.get("/api/model", headers=RIGHT | {"origin": "https://evil.example"}).status_code == 403
        assert server.get("/page/app.js").status_code == server.get("/page/style.css").status_code == 200
        for headers in ({}, RIGHT | {"origin": "https://evil.example"}):
            with pytest.raises(WebSocketDenialResponse), server.websocket_connect(LIVE, headers=headers):
                pass
        nowhere = LIVE.replace("live", "made-up")
        with pytest.raises(WebSocketDisconnect), server.websocket_connect(nowhere, headers=RIGHT):
            pass
        assert counted(server, "farview_requests_total") == {
            ("other", "401"): 4,
            ("other", "403"): 3,
            ("other", "404"): 1,
            ("/page/{name}", "200"): 2,
        }


def test_too_many_requests(model: Path) -> None:
    with client(model, limits=Limits(requests=1)) as server:
        statuses = [server.get("/api/model").status_code for _ in range(20)]
        assert set(statuses) == {200, 429}
        assert counted(server, "farview_requests_total") == {
            ("/api/model", "200"): statuses.count(200),
            ("other", "429"): statuses.count(429),
        }


def test_live_connections(model: Path) -> None:
    with client(model, limits=Limits(live=1, seconds=2, live_rate=10), window=Window(rate=10)) as server:
        with (
            server.websocket_connect(LIVE),
            pytest.raises(WebSocketDenialResponse),
            server.websocket_connect(LIVE),
        ):
            pass
        for messages in ([], [b"no frame"], [bytes(576)] * 40):
            with server.websocket_connect(LIVE) as live, pytest.raises(WebSocketDisconnect):
                for message in messages:
                    live.send_bytes(message)
                while True:
                    live.receive_json()
        ended = counted(server, "farview_live_ended_total")
        ended.pop(
            ("left",), None
        )  # of the first: the test's client may break off before the server sees it go
        assert ended == {("silent",): 1, ("no frame",): 1, ("too fast",): 1}
        requests = counted(server, "farview_requests_total")
        assert requests["/api/live", "101"] == 4 and requests["/api/live", "503"] == 1
