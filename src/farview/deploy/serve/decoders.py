"""Decoding processes as the server sees them: asked with bytes, killed when they take too long."""

import asyncio
import os
from multiprocessing import get_context
from tempfile import TemporaryDirectory

import numpy as np

from farview.deploy.serve.decode import FRAMES, work
from farview.deploy.serve.limits import Limits, Refused
from farview.frames.source import Images
from farview.frames.workers import spawning
from farview.models.contract import Contract

JOBS = 200
"""Clips after which a process is replaced by a fresh one: decoders leak."""
START = 60.0
"""Seconds for a process to start, before a clip is given to it."""


class Decoders:
    """Up to `limits.decoders` processes, each of which decodes one clip at a time."""

    def __init__(self, contract: Contract, limits: Limits) -> None:
        intervals, sensor = contract.intervals, contract.sensor
        assert sensor is not None
        self._shape = intervals.count, intervals.frames, sensor.height, sensor.width, contract.channels
        self._contract, self._limits = contract.to_json(), limits
        self._free = asyncio.Semaphore(limits.decoders)
        self._idle: list[_Process] = []

    async def warm(self) -> None:
        """Have one process ready."""
        self._idle.append(await asyncio.to_thread(_Process, self._contract, self._limits))

    async def decode(self, clip: bytes) -> Images:
        """The eLR frames of a clip's intervals, (K, T, h, w, C). Raises `Refused` (422) with the reason."""
        async with self._free:
            if not self._idle:
                await self.warm()
            process = self._idle.pop()
            try:
                reply = await asyncio.to_thread(process.ask, clip, self._limits.seconds, self._size + 1)
            except BaseException:
                process.kill()  # also where the client went away
                raise
            if process.jobs < JOBS:
                self._idle.append(process)
            else:
                process.kill()
        if reply[:1] != FRAMES:
            raise Refused(422, reply[1:].decode(errors="replace"))
        if len(reply) != self._size + 1:
            raise Refused(422, "the clip could not be decoded")
        return np.frombuffer(bytearray(reply), np.uint8, offset=1).reshape(self._shape)

    @property
    def _size(self) -> int:
        return int(np.prod(self._shape))

    def close(self) -> None:
        """Ends the processes."""
        while self._idle:
            self._idle.pop().kill()


class _Process:
    """One of them. Blocks: for threads beside the event loop."""

    def __init__(self, contract: str, limits: Limits) -> None:
        context = get_context("spawn")  # a fork of a process with threads may hang
        # Where memory has no names a clip is a file, which must not outlive a process that is killed.
        self._folder = None if hasattr(os, "memfd_create") else TemporaryDirectory(prefix="farview-")
        self._connection, theirs = context.Pipe()
        arguments = theirs, contract, limits, self._folder and self._folder.name
        self._process = context.Process(target=work, args=arguments, daemon=True)
        with spawning():
            self._process.start()
        theirs.close()
        self.jobs = 0
        if not self._started():
            self.kill()
            raise Refused(503, "the decoder did not start; try again")

    def _started(self) -> bool:
        try:
            return self._connection.poll(START) and bool(self._connection.recv_bytes())
        except (EOFError, OSError):  # it died
            return False

    def ask(self, clip: bytes, seconds: float, most: int) -> bytes:
        """The reply to a clip; raises `Refused` where there is none within `seconds`."""
        self.jobs += 1
        try:
            self._connection.send_bytes(clip)
            if not self._connection.poll(seconds):
                raise Refused(422, f"the clip takes more than {seconds:g} s to decode; send a shorter one")
            return self._connection.recv_bytes(max(most, 4096))
        except (EOFError, OSError):
            raise Refused(
                422, "decoding the clip needed too much memory or failed; is it a whole video?"
            ) from None

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()
