"""What the server's log leaves out."""

import logging

_NO_HANDSHAKE = "ASGI callable returned without completing handshake."


def quiet() -> None:
    """Leave out what uvicorn says of every handshake that is refused with a status, although the client gets it.

    That is a mistake of its own: https://github.com/Kludex/uvicorn/pull/3138.
    """
    logging.getLogger("uvicorn.error").addFilter(_of_interest)


def _of_interest(record: logging.LogRecord) -> bool:
    return record.msg != _NO_HANDSHAKE
