"""What stands before the guard: every request is counted, those too that the guard turns away."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farview.deploy.serve.metrics import Metrics


class Count:
    """ASGI middleware: requests, and handshakes of WebSockets, by the status of their answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        started, answered = time.perf_counter(), False

        async def sending(message: Message) -> None:
            nonlocal answered
            status = None if answered else _status(message)
            if status is not None:
                answered = True
                path = getattr(scope.get("route"), "path", "other")  # never what a client makes up
                self._metrics.requests.labels(path, status).inc()
                self._metrics.seconds.labels(path).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, sending)
        return None


def _status(message: Message) -> int | None:
    """Of an answer or of a handshake; None of what comes later."""
    kind = message["type"]
    if kind in ("http.response.start", "websocket.http.response.start"):
        status: int = message["status"]
        return status
    return {"websocket.accept": 101, "websocket.close": 403}.get(kind)  # before it is accepted
