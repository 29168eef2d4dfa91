"""How a live connection ends."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from farview.deploy.serve.limits import Limits
from farview.deploy.serve.live import Live, Window
from farview.deploy.serve.metrics import Metrics
from farview.models.contract import read_contract


class Leaving:
    """A client that goes at once."""

    def __init__(self, left: asyncio.Event) -> None:
        self.headers: dict[str, str] = {}
        self._left = left

    async def accept(self, protocol: str | None) -> None:
        pass

    async def receive(self) -> dict[str, Any]:
        self._left.set()
        return {"type": "websocket.disconnect"}


@pytest.mark.parametrize("turns", range(10))
def test_cancelled_while_it_ends(model: Path, turns: int) -> None:
    """Whoever cancels it gets his own cancellation back, not that of the tasks that it ends by itself."""

    async def served() -> bool:
        left, scope = asyncio.Event(), anyio.CancelScope()
        contract: Any = read_contract(model)
        batcher: Any = SimpleNamespace()
        socket: Any = Leaving(left)

        async def cancel() -> None:
            await left.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
            scope.cancel()

        cancelling = asyncio.create_task(cancel())
        with scope:
            await Live(socket, contract, Window(), Limits(), batcher, Metrics()).run()
            await asyncio.sleep(10)
        await cancelling
        return scope.cancelled_caught

    assert asyncio.run(served())
