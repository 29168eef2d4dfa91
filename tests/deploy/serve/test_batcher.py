"""Questions that arrive together are computed together, in order, and never lost."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from farview.deploy.serve.batcher import Batcher
from farview.deploy.serve.limits import Refused


class Slow:
    """Doubles numbers, once it is let; remembers what came together."""

    def __init__(self) -> None:
        self.let, self.entered = threading.Event(), threading.Event()
        self.together: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.together.append(list(numbers))
        self.entered.set()
        self.let.wait()
        return [2 * number for number in numbers]


async def asked(batcher: Batcher[int, int], slow: Slow, numbers: Sequence[int]) -> list[asyncio.Task[int]]:
    """The first is being computed, the others wait."""
    tasks = [asyncio.create_task(batcher.ask(numbers[0]))]
    await asyncio.sleep(0)
    await asyncio.to_thread(slow.entered.wait)
    tasks += [asyncio.create_task(batcher.ask(number)) for number in numbers[1:]]
    await asyncio.sleep(0)
    return tasks


def test_what_waits_is_computed_together() -> None:
    async def run() -> None:
        slow = Slow()
        batcher: Batcher[int, int] = Batcher(slow, most=4)
        tasks = await asked(batcher, slow, range(7))
        slow.let.set()
        assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10, 12]
        assert slow.together == [[0], [1, 2, 3, 4], [5, 6]]
        batcher.close()

    asyncio.run(run())


def test_too_many_are_sent_away_and_the_others_answered() -> None:
    async def run() -> None:
        slow = Slow()
        batcher: Batcher[int, int] = Batcher(slow, waiting=2)
        tasks = await asked(batcher, slow, range(4))
        slow.let.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[:3] == [0, 2, 4]
        assert isinstance(results[3], Refused) and results[3].status == 503
        batcher.close()

    asyncio.run(run())


def test_who_went_away_is_not_computed_and_an_error_reaches_everybody() -> None:
    async def run() -> None:
        slow = Slow()
        batcher: Batcher[int, int] = Batcher(slow)
        tasks = await asked(batcher, slow, range(3))
        tasks[1].cancel()
        await asyncio.sleep(0)
        slow.let.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert slow.together == [[0], [2]]
        batcher.close()

    def broken(numbers: Sequence[int]) -> list[int]:
        raise ValueError("no")

    async def breaks() -> None:
        batcher: Batcher[int, int] = Batcher(broken)
        for _ in range(2):  # the thread lives on
            with pytest.raises(ValueError, match="no"):
                await batcher.ask(1)
        batcher.close()

    asyncio.run(run())
    asyncio.run(breaks())


def test_closing_answers_what_waits() -> None:
    async def run() -> None:
        slow = Slow()
        batcher: Batcher[int, int] = Batcher(slow, most=2)
        tasks = await asked(batcher, slow, range(5))
        closing = asyncio.create_task(asyncio.to_thread(batcher.close))
        slow.let.set()
        assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8]
        await closing

    asyncio.run(run())
