"""How a request that is not served is answered: a status, one line as JSON, and when to try again."""

from starlette.responses import JSONResponse

RETRY = {429: "10", 503: "1"}
"""Seconds, by status; of 429 those over which a client's requests are averaged."""


def refusal(status: int, text: str) -> JSONResponse:
    """The answer to a request, or to the handshake of a WebSocket."""
    headers = {"Retry-After": RETRY[status]} if status in RETRY else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": text}, status, headers)
