"""How many frames a live connection takes, and how it ends."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from farview.deploy.serve.limits import Limits
from farview.deploy.serve.live import Live, Window, most_a_second
from farview.deploy.serve.metrics import Metrics
from farview.errors import FarviewError
from farview.models.contract import read_contract
from tests.deploy.serve.clients import LIVE, client


def test_clients_may_send_what_they_are_asked_for(model: Path) -> None:
    """A thousand frames at once are two seconds of what --rate asks for."""
    with client(model, window=Window(rate=500, window=2)) as server, server.websocket_connect(LIVE) as live:
        for _ in range(1000):
            live.send_bytes(bytes(576))
        assert live.receive_json()["label"] in ("walk", "fall")


def test_the_limit_of_frames_follows_the_rate() -> None:
    assert most_a_second(Window(), Limits()) == 60
    assert most_a_second(Window(rate=100), Limits()) == pytest.approx(120)
    assert most_a_second(Window(rate=100), Limits(live_rate=100)) == 100
    with pytest.raises(FarviewError, match=r"--limit.live_rate is 60, .* 100 frames a second of --rate"):
        most_a_second(Window(rate=100), Limits(live_rate=60))


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
