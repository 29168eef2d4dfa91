"""One thread in front of the network: whatever asks while it computes is computed together afterwards."""

import asyncio
from collections.abc import Callable, Sequence
from queue import Empty, Full, Queue
from threading import Thread
from typing import Generic, NamedTuple, TypeVar

from farview.deploy.serve.limits import Refused

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Asked(NamedTuple):
    question: object
    future: asyncio.Future
    loop: asyncio.AbstractEventLoop


class Batcher(Generic[Question, Answer]):
    """Answers questions by `compute`, up to `most` at a time, `waiting` of them in the queue."""

    def __init__(
        self, compute: Callable[[Sequence[Question]], Sequence[Answer]], most: int = 32, waiting: int = 256
    ) -> None:
        self._compute, self._most = compute, most
        self._queue: Queue[_Asked | None] = Queue(waiting)
        self._thread = Thread(target=self._run, name="network", daemon=True)
        self._thread.start()

    async def ask(self, question: Question) -> Answer:
        """Raises `Refused` (503) where too many wait, and what `compute` raises."""
        loop = asyncio.get_running_loop()
        asked = _Asked(question, loop.create_future(), loop)
        try:
            self._queue.put_nowait(asked)
        except Full:
            raise Refused(503, "busy: too many requests are waiting; try again in a second") from None
        return await asked.future

    def close(self) -> None:
        """Answers what waits, then ends the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            together = [first, *self._waiting(self._most - 1)]
            together = [asked for asked in together if not asked.future.cancelled()]
            if not together:
                continue
            try:
                answers: Sequence[object] = self._compute([asked.question for asked in together])  # type: ignore[misc]
            except Exception as error:
                answers = [error] * len(together)
            for asked, answer in zip(together, answers, strict=True):
                asked.loop.call_soon_threadsafe(_settle, asked.future, answer)

    def _waiting(self, most: int) -> list[_Asked]:
        """What waits already, without waiting for more."""
        found: list[_Asked] = []
        while len(found) < most:
            try:
                asked = self._queue.get_nowait()
            except Empty:
                break
            if asked is None:
                self._queue.put(None)  # for `_run` to end on
                break
            found.append(asked)
        return found


def _settle(future: asyncio.Future, answer: object) -> None:
    if future.cancelled():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
