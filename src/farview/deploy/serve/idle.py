"""Connections on which no request comes: uvicorn counts them, and by itself keeps them for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol


def closing_idle(seconds: float) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which closes a connection that waits longer than `seconds` for the head of a request.

    For the first one, however slowly it comes, and for the next one once a byte has come; until then uvicorn's own
    timeout holds.
    """

    class ClosingIdle(AutoHTTPProtocol):  # type: ignore[valid-type, misc]
        _closing: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch()
            super().connection_lost(exc)

        def _watch(self) -> None:
            upgraded = self.transport.get_protocol() is not self
            if upgraded or (self.cycle is not None and not self.cycle.response_complete):
                self._unwatch()
            elif self._closing is None:
                # Not `close`, which waits until the client has read what was sent to it.
                self._closing = self.loop.call_later(seconds, self.transport.abort)

        def _unwatch(self) -> None:
            if self._closing is not None:
                self._closing.cancel()
                self._closing = None

    made: Any = ClosingIdle
    return made
