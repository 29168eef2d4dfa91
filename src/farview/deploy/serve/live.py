"""A live connection: eLR frames in, answers about the newest window out."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from fastapi import WebSocket, WebSocketDisconnect

from farview.deploy.serve.batcher import Batcher
from farview.deploy.serve.guard import PROTOCOL, Bucket
from farview.deploy.serve.limits import Limits, Refused
from farview.deploy.serve.metrics import Metrics
from farview.deploy.serve.network import Answer
from farview.errors import FarviewError
from farview.frames.source import Images
from farview.models.contract import Contract

TOO_LONG = 1009
"""Code with which uvicorn itself closes a connection whose message is longer than any frame."""


class Ended(Exception):
    """A client that is sent away: for a `reason` that is counted, with a code of RFC 6455 and one line."""

    def __init__(self, reason: str, code: int, text: str) -> None:
        super().__init__(text)
        self.reason, self.code = reason, code


@dataclass(frozen=True)
class Window:
    """Which frames of a live connection an answer is about. Validated; raises FarviewError."""

    rate: float = 25
    """Frames a second that clients send."""
    window: float = 3
    """Seconds over which a window's intervals are spread."""
    hop: float = 0.25
    """Seconds between answers."""

    def __post_init__(self) -> None:
        for name in ("rate", "window", "hop"):
            if not 0 < getattr(self, name) <= 3600:
                raise FarviewError(f"--{name} is {getattr(self, name)}; it must be above 0, at most 3600")

    @property
    def length(self) -> int:
        """Frames in a window."""
        return max(1, round(self.window * self.rate))

    @property
    def step(self) -> int:
        """Frames between answers."""
        return max(1, round(self.hop * self.rate))


def most_a_second(window: Window, limits: Limits) -> float:
    """Frames that a live client may send. Raises FarviewError where they are fewer than it shall send."""
    if limits.live_rate is None:
        return max(60.0, 1.2 * window.rate)  # no two clocks agree
    if limits.live_rate < window.rate:
        raise FarviewError(
            f"--limit.live_rate is {limits.live_rate:g}, less than the {window.rate:g} frames a second of --rate; "
            "raise it, or leave it out"
        )
    return limits.live_rate


class Live:
    """One client. Only the newest window is kept: where the network is slower than the hop, answers are left out."""

    def __init__(
        self,
        socket: WebSocket,
        contract: Contract,
        window: Window,
        limits: Limits,
        batcher: Batcher[Images, Answer],
        metrics: Metrics,
    ) -> None:
        sensor = contract.sensor
        assert sensor is not None
        self._socket, self._batcher, self._metrics = socket, batcher, metrics
        self._intervals, self._window, self._limits = contract.intervals, window, limits
        self._shape = sensor.height, sensor.width, contract.channels
        self._most = most_a_second(window, limits)
        self._frames: deque[np.ndarray] = deque(maxlen=window.length)
        self._count = 0
        self._due = asyncio.Event()

    async def run(self) -> None:
        """Until the client goes or sends what is no eLR frame; then the connection is closed with one line."""
        offered = self._socket.headers.get("sec-websocket-protocol", "")
        await self._socket.accept(PROTOCOL if offered.split(",")[0].strip() == PROTOCOL else None)
        answering = asyncio.create_task(self._answer())
        receiving = asyncio.create_task(self._receive())
        with self._metrics.live.track_inprogress():
            try:
                await asyncio.wait((answering, receiving), return_when=asyncio.FIRST_COMPLETED)
                for task in (receiving, answering):
                    if task.done():
                        await task
            except Ended as error:
                self._metrics.ended.labels(error.reason).inc()
                with suppress(RuntimeError, WebSocketDisconnect):
                    await self._socket.close(error.code, str(error)[:120])
            except WebSocketDisconnect as error:
                self._metrics.ended.labels("no frame" if error.code == TOO_LONG else "left").inc()
            finally:
                for task in (answering, receiving):
                    task.cancel()
                    task.add_done_callback(_retrieve)
                # Unlike `gather`, `wait` hands on the cancellation of this task as it came, not that of the two.
                await asyncio.wait((answering, receiving))

    async def _receive(self) -> None:
        size = int(np.prod(self._shape))
        bucket = Bucket(self._most, 2 * self._most)
        while True:
            try:
                message = await asyncio.wait_for(self._socket.receive(), self._limits.seconds)
            except TimeoutError:
                raise Ended("silent", 1008, f"no frame for {self._limits.seconds:g} s") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1000))
            frame = message.get("bytes")
            if frame is None or len(frame) != size:
                got = "text" if frame is None else f"{len(frame)} bytes"
                text = f"expected eLR frames of {size} bytes (h w C = {self._shape}), got {got}"
                raise Ended("no frame", 1003, text)
            if not bucket.take():
                raise Ended("too fast", 1008, f"more than {self._most:g} frames a second")
            self._frames.append(np.frombuffer(frame, np.uint8).reshape(self._shape))
            self._count += 1
            self._metrics.frames.inc()
            beyond = self._count - self._window.length
            if beyond >= 0 and beyond % self._window.step == 0:
                self._due.set()

    async def _answer(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            indices = self._intervals.indices(len(self._frames))  # (K, T)
            first = self._count - len(self._frames)
            window = np.stack([self._frames[i] for i in indices.ravel()])
            window = window.reshape(*indices.shape, *self._shape)  # (K, T, h, w, C)
            try:
                answer = await self._batcher.ask(window)
            except Refused:  # busy
                continue
            await self._socket.send_json(answer.to_dict() | {"frames": (indices + first).tolist()})


def _retrieve(task: asyncio.Task) -> None:
    """Or a second error, of a connection that ends by a first one, would be reported as never looked at."""
    if not task.cancelled():
        task.exception()
