"""The application: what can be asked under which path, with which answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from farview import __version__
from farview.deploy.serve.count import Count
from farview.deploy.serve.guard import Guard
from farview.deploy.serve.limits import Limits, Refused
from farview.deploy.serve.live import Window
from farview.deploy.serve.pages import pages
from farview.deploy.serve.refusals import refusal
from farview.deploy.serve.sensor import Matrices
from farview.deploy.serve.service import Service


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
    """(K, h, w) spatial attention, 0..255; never of an exported model."""


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {"schema": {"type": "object", "required": ["clip"], "properties": {"clip": _BINARY["schema"]}}}


def _takes(content: dict[str, Any]) -> dict[str, Any]:
    """How a path answers and what body it takes, for the OpenAPI page: bodies are read by ourselves, in measure."""
    body = {"requestBody": {"required": True, "content": content}}
    return {"response_model": Said, "response_model_exclude_none": True, "openapi_extra": body}


def application(
    model: str | Path, limits: Limits = Limits(), window: Window = Window(), token: str | None = None
) -> FastAPI:
    """An ASGI application for one model; without a `token` it answers to this machine's own names only.

    Raises FarviewError where the model cannot be used.
    """
    service = Service(model, limits, window)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    about = "Recognises actions in video of {}x{} pixels. Live frames: WebSocket /api/live.".format(
        *service.shape
    )
    app = FastAPI(
        title="Farview",
        version=__version__,
        description=about,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    app.include_router(pages)

    async def wanted(maps: bool = False) -> bool:
        if maps and not service.maps:
            raise Refused(
                400, "an exported model gives no spatial attention; leave out maps, or serve the .safetensors"
            )
        return maps

    Wanted = Annotated[bool, Depends(wanted)]

    @app.post("/api/predict", **_takes({"multipart/form-data": _FORM, "video/*": _BINARY}))
    async def predict(request: Request, maps: Wanted) -> dict[str, Any]:
        """A clip: in a form's field `clip`, or as the body itself with a content type video/...; decoded in memory."""
        return (await service.clip(request)).to_dict(maps)

    @app.post("/api/frames", **_takes({"application/octet-stream": _BINARY}))
    async def frames(
        request: Request, shape: Annotated[str, Query(examples=["24x12x16x3"])], maps: Wanted
    ) -> dict[str, Any]:
        """eLR frames, uint8 one after the other. `shape`: N x h x w x C, a whole recording of which the model takes
        its intervals, or K x T x h x w x C, the intervals themselves."""
        return (await service.frames(request, shape)).to_dict(maps)

    @app.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        await service.live(socket)

    @app.get("/api/model")
    def facts() -> dict[str, Any]:
        """What the model sees and says, and what a live connection is about."""
        return service.facts()

    @app.get("/api/sensor")
    async def sensor(
        height: Annotated[int, Query(ge=1)],
        width: Annotated[int, Query(ge=1)],
        rows: Annotated[int | None, Query(ge=1, le=256)] = None,
    ) -> Matrices:
        """The two matrices that make an eLR frame of one of `height` x `width`: round(R @ frame @ C.T / unit**2).

        With `rows` those of another sensor of the same aspect, to compare with.
        """
        return await service.matrices(height, width, rows)

    @app.head("/health", include_in_schema=False)
    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the server is there."""
        return {"status": "ok"}

    @app.get("/metrics", response_class=PlainTextResponse)
    def counted() -> Response:
        """Prometheus' text format."""
        return PlainTextResponse(service.metrics.text(), media_type="text/plain; version=0.0.4")

    app.add_exception_handler(Refused, _in_one_line)
    app.add_exception_handler(HTTPException, _in_one_line)
    app.add_exception_handler(RequestValidationError, _in_one_line)
    app.add_middleware(Guard, token=token, requests=limits.requests)
    app.add_middleware(Count, metrics=service.metrics)  # the last one stands first
    return app


async def _in_one_line(request: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        return refusal(error.status, str(error))
    if isinstance(error, HTTPException):
        answer = refusal(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return refusal(400, f"{first['loc'][-1]}: {first['msg']}")
