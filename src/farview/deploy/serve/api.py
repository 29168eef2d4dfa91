"""The application: what can be asked, of which form, with which answers."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse

from farview import __version__
from farview.deploy.serve.batcher import Batcher
from farview.deploy.serve.decoders import Decoders
from farview.deploy.serve.guard import Guard
from farview.deploy.serve.limits import Limits, Refused
from farview.deploy.serve.live import Live, Window
from farview.deploy.serve.metrics import Metrics
from farview.deploy.serve.network import Answer, Network
from farview.deploy.serve.sensor import Matrices, matrices
from farview.deploy.serve.uploads import body_of, clip_of
from farview.frames.source import Images

_PAGE = {"index.html": "text/html", "docs.html": "text/html"} | {
    name: "text/css" if name.endswith("css") else "text/javascript"
    for name in ("style.css", "app.js", "docs.js", "picture.js", "sensor.js")
}


class Said(BaseModel):
    """What the network says of one clip."""

    label: str
    """The most likely class."""
    score: float
    """Its probability, 0..1."""
    scores: dict[str, float]
    """Every class with its probability, the most likely first."""
    attention: list[float]
    """Weight of each of the K intervals; they sum to 1."""
    maps: list[list[list[int]]] | None = None
    """(K, h, w) spatial attention, 0..255."""


def application(
    model: str | Path, limits: Limits = Limits(), window: Window = Window(), token: str | None = None
) -> FastAPI:
    """An ASGI application for one model; without a `token` it answers to this machine's own names only.

    Raises FarviewError where the model cannot be used.
    """
    network, metrics = Network(model), Metrics()
    contract, sensor = network.contract, network.contract.sensor
    assert sensor is not None
    shape = sensor.height, sensor.width, contract.channels
    decoders = Decoders(contract, limits)

    def compute(windows: Sequence[Images]) -> list[Answer]:
        metrics.batch.observe(len(windows))
        with metrics.network.time():
            return network.answers(windows)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await decoders.warm()
        app.state.batcher = Batcher(compute, waiting=limits.waiting)
        yield
        app.state.batcher.close()
        decoders.close()

    app = FastAPI(
        title="Farview",
        version=__version__,
        description=f"Recognises actions in video of {sensor.height}x{sensor.width} pixels.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    receiving = 0

    async def said(seen: Images, maps: bool) -> dict[str, Any]:
        answer: Answer = await app.state.batcher.ask(seen)
        return answer.to_dict(maps)

    @app.post(
        "/api/predict",
        response_model=Said,
        response_model_exclude_none=True,
        openapi_extra={"requestBody": {"required": True, "content": _CLIP}},
    )
    async def predict(request: Request, maps: bool = False) -> dict[str, Any]:
        """A clip: in a form's field `clip`, or as the body itself with a content type video/... It is decoded in memory."""
        nonlocal receiving
        if receiving >= limits.uploads:
            raise Refused(503, "busy: other clips are being received; try again in a second")
        receiving += 1
        try:
            seen = await decoders.decode(await clip_of(request, limits))
        finally:
            receiving -= 1
        return await said(seen, maps)

    @app.post(
        "/api/frames",
        response_model=Said,
        response_model_exclude_none=True,
        openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
    )
    async def frames(
        request: Request, shape: Annotated[str, Query(examples=["24x12x16x3"])], maps: bool = False
    ) -> dict[str, Any]:
        """eLR frames, uint8 one after the other. `shape`: N x h x w x C, a whole recording of which the model takes
        its intervals, or K x T x h x w x C, the intervals themselves."""
        sizes = frame_shape(shape)
        body = await body_of(request, int(np.prod(sizes)), limits.seconds)
        if len(body) != np.prod(sizes):
            raise Refused(400, f"shape={shape} takes {np.prod(sizes)} bytes, got {len(body)}")
        seen = np.frombuffer(bytearray(body), np.uint8).reshape(sizes)
        if seen.ndim == 4:
            seen = seen[contract.intervals.indices(len(seen))]  # (K, T, h, w, C)
        return await said(seen, maps)

    def frame_shape(text: str) -> tuple[int, ...]:
        """`24x12x16x3` as numbers. Raises `Refused` (400) where this model takes no such frames."""
        words = text.split("x")
        sizes = tuple(int(word) for word in words if word.isdecimal() and len(word) < 6)
        whole = contract.intervals.count, contract.intervals.frames
        fits = len(sizes) == len(words) and sizes[-3:] == shape
        if not fits or (sizes[:-3] != whole and not (len(sizes) == 4 and 0 < sizes[0] <= limits.frames)):
            one, some = "x".join(map(str, shape)), "x".join(map(str, whole))
            raise Refused(400, f"shape={text[:40]}; expected Nx{one}, N up to {limits.frames}, or {some}x{one}")
        return sizes

    @app.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        if len(app.state.live) >= limits.live:
            await socket.close(1013, "busy: too many live connections")
            return
        client = Live(socket, contract, window, limits, app.state.batcher, metrics)
        app.state.live.add(client)
        try:
            await client.run()
        finally:
            app.state.live.discard(client)

    app.state.live = set()
    app.state.frame_bytes = int(np.prod(shape))

    @app.get("/api/model")
    def facts() -> dict[str, Any]:
        """What the model sees and says, and what a live connection is about."""
        intervals = contract.intervals
        return {
            "name": Path(model).name,
            "classes": contract.classes,
            "height": shape[0],
            "width": shape[1],
            "channels": shape[2],
            "intervals": {"count": intervals.count, "frames": intervals.frames, "stride": intervals.stride},
            "rate": window.rate,
            "window": window.length,
            "step": window.step,
        }

    @app.get("/api/sensor")
    def sensor_matrices(
        height: Annotated[int, Query(ge=1)],
        width: Annotated[int, Query(ge=1)],
        rows: Annotated[int | None, Query(ge=1, le=256)] = None,
    ) -> Matrices:
        """The two matrices that make an eLR frame of one of `height` x `width`: round(R @ frame @ C.T / unit**2).

        With `rows` those of another sensor of the same aspect, to compare with.
        """
        return matrices(sensor, height, width, rows)

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the server is there."""
        return {"status": "ok"}

    @app.get("/metrics", response_class=PlainTextResponse)
    def counted() -> Response:
        """Prometheus' text format."""
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/", include_in_schema=False)
    def index() -> Response:
        return page("index.html")

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return page("docs.html")

    @app.get("/page/{name}", include_in_schema=False)
    def page(name: str) -> Response:
        if name not in _PAGE:
            raise Refused(404, "no such page")
        text = files("farview.deploy.serve").joinpath("page", name).read_bytes()
        return Response(text, media_type=_PAGE[name])

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return JSONResponse({"error": str(error)}, error.status)

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> Response:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return JSONResponse({"error": f"{first['loc'][-1]}: {first['msg']}"}, 400)

    @app.middleware("http")
    async def count(request: Request, follow: Callable[[Request], Awaitable[Response]]) -> Response:
        started = time.perf_counter()
        response = await follow(request)
        route = request.scope.get("route")
        path = route.path if route is not None else "other"
        metrics.requests.labels(path, response.status_code).inc()
        metrics.seconds.labels(path).observe(time.perf_counter() - started)
        return response

    app.add_middleware(Guard, token=token, requests=limits.requests)
    return app


_FILE = {"schema": {"type": "string", "format": "binary"}}
_BYTES = {"application/octet-stream": _FILE}
_CLIP = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["clip"],
            "properties": {"clip": {"type": "string", "format": "binary"}},
        }
    },
    "video/*": _FILE,
}
