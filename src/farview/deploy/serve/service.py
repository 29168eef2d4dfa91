"""One model at work for many clients: what the paths of the API have in common."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import Request, WebSocket

from farview.deploy.serve.batcher import Batcher
from farview.deploy.serve.decoders import Decoders
from farview.deploy.serve.limits import Limits, Refused
from farview.deploy.serve.live import Live, Window, most_a_second
from farview.deploy.serve.metrics import Metrics
from farview.deploy.serve.network import Answer, Network
from farview.deploy.serve.sensor import Matrices, matrices
from farview.deploy.serve.uploads import body_of, clip_of
from farview.frames.source import Images

SENSORS = 16
"""Pairs of a sensor's matrices that wait to be made; each takes some 50 MB and a tenth of a second."""


class Service:
    """The network behind its batcher, the decoders, the live clients. Use within `running`."""

    def __init__(self, model: str | Path, limits: Limits, window: Window) -> None:
        """Raises FarviewError where the model cannot be used."""
        most_a_second(window, limits)  # refuses limits under which no client could be live
        self.name, self.limits, self.window = Path(model).name, limits, window
        self.metrics = Metrics()
        self._network = Network(model)
        self.contract = self._network.contract
        self.sensor, self.maps = self._network.sensor, self._network.maps
        self.shape = self.sensor.height, self.sensor.width, self.contract.channels
        self._batcher: Batcher[Images, Answer]
        self._sensors: Batcher[tuple[int, int, int | None], Matrices]
        self._held = 0  # bytes of requests
        self._live = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Its threads and processes; at the end what waits is answered first."""
        self._decoders = Decoders(self.contract, self.limits)
        await self._decoders.warm()
        self._batcher = Batcher(self._answers, waiting=self.limits.waiting)
        self._sensors = Batcher(self._sensor, most=1, waiting=SENSORS)
        yield
        self._sensors.close()
        self._batcher.close()
        self._decoders.close()

    def _answers(self, windows: Sequence[Images]) -> list[Answer]:
        self.metrics.batch.observe(len(windows))
        with self.metrics.network.time():
            return self._network.answers(windows)

    def _sensor(self, asked: Sequence[tuple[int, int, int | None]]) -> list[Matrices]:
        return [matrices(self.sensor, *sizes) for sizes in asked]

    async def matrices(self, height: int, width: int, rows: int | None) -> Matrices:
        """As `farview.deploy.serve.sensor.matrices`, one at a time. Raises `Refused`, 503 where too many wait."""
        return await self._sensors.ask((height, width, rows))

    async def clip(self, request: Request) -> Answer:
        """Of an uploaded clip. Raises `Refused`."""
        with self._holding(self.limits.upload):
            seen = await self._decoders.decode(await clip_of(request, self.limits))
        return await self._batcher.ask(seen)

    async def frames(self, request: Request, shape: str) -> Answer:
        """Of eLR frames, a recording or its intervals. Raises `Refused`."""
        sizes = self._sizes(shape)
        with self._holding(prod(sizes)):
            takes = f"shape={shape} takes {prod(sizes)} bytes"
            body = await body_of(request, prod(sizes), takes, self.limits.seconds)
            if len(body) != prod(sizes):
                raise Refused(400, f"{takes}, got {len(body)} bytes")
            seen = np.frombuffer(bytearray(body), np.uint8).reshape(sizes)
            if seen.ndim == 4:
                seen = seen[self.contract.intervals.indices(len(seen))]  # (K, T, h, w, C)
        return await self._batcher.ask(seen)

    def _sizes(self, text: str) -> tuple[int, ...]:
        """`24x12x16x3` as numbers. Raises `Refused` (400) where this model takes no such frames."""
        most, words = self.limits.frames, text.split("x")
        sizes = tuple(int(word) for word in words if word.isdecimal() and len(word) < 9)
        whole = self.contract.intervals.count, self.contract.intervals.frames
        recording = len(sizes) == 4 and 0 < sizes[0] <= most
        if len(sizes) != len(words) or sizes[-3:] != self.shape or not (recording or sizes[:-3] == whole):
            one, some = "x".join(map(str, self.shape)), "x".join(map(str, whole))
            raise Refused(400, f"shape={text[:40]}; expected Nx{one}, N up to {most}, or {some}x{one}")
        return sizes

    @contextmanager
    def _holding(self, size: int) -> Iterator[None]:
        """While up to `size` bytes of a request are in memory. Raises `Refused` (503) where there are too many."""
        if self._held + size > self.limits.uploads * self.limits.upload:
            raise Refused(503, "busy: other requests are being received; try again in a second")
        self._held += size
        try:
            yield
        finally:
            self._held -= size

    async def live(self, socket: WebSocket) -> None:
        """A live client, until it goes. Raises `Refused` (503), instead of the handshake, where there are too many."""
        if self._live >= self.limits.live:
            raise Refused(503, "busy: too many live connections; try again in a second")
        self._live += 1
        try:
            client = Live(socket, self.contract, self.window, self.limits, self._batcher, self.metrics)
            await client.run()
        finally:
            self._live -= 1

    def facts(self) -> dict[str, Any]:
        """What a client must know of the model and of live connections, for JSON."""
        height, width, channels = self.shape
        intervals, window = self.contract.intervals, self.window
        return {
            "name": self.name,
            "classes": self.contract.classes,
            "height": height,
            "width": width,
            "channels": channels,
            "intervals": {"count": intervals.count, "frames": intervals.frames, "stride": intervals.stride},
            "rate": window.rate,
            "window": window.length,
            "step": window.step,
            "maps": self.maps,
        }
