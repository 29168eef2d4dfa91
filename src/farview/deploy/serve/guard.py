"""What stands before every request: who may ask, how often, from which page; and what a browser may do with it."""

import ipaddress
import secrets
import time
from collections import OrderedDict
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farview.deploy.serve.refusals import refusal

PROTOCOL = "farview"
"""Subprotocol of the live connection. A browser, which sets no headers there, offers the token beside it."""
OPEN = ("/", "/health", "/docs", "/openapi.json")
"""Without a token, as is all below /page/: nothing there belongs to anybody."""
BURST = 10.0
"""Seconds over which a client's requests are averaged."""
CLIENTS = 4096
"""Addresses that are remembered."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src blob:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware. Without a `token`, only requests for this machine's own names are served."""

    def __init__(self, app: ASGIApp, token: str | None, requests: float) -> None:
        self._app, self._token, self._rate = app, token, requests
        self._clients: OrderedDict[str, Bucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        refused = self._refused(scope, Headers(scope=scope))
        app = self._app if refused is None else refusal(*refused)
        await app(scope, receive, _with_headers(send))
        return None

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        path, host = scope["path"], headers.get("host", "")
        if self._token is None and not is_loopback(_name(host)):
            # Another site's name that leads here: its pages would count as ours.
            return 403, "this server answers to localhost only; start it with --host for other names"
        origin = headers.get("origin")
        if origin is not None and _place(origin) != host:
            return 403, "another site's page may not use this server"
        if path != "/health" and not self._bucket(scope).take():
            return 429, f"more than {self._rate:g} requests a second; wait ten seconds"
        if self._token is None or path in OPEN or path.startswith("/page/"):
            return None
        if not secrets.compare_digest(_token(headers).encode(), self._token.encode()):
            return 401, "a token is needed; the server printed one when it started"
        return None

    def _bucket(self, scope: Scope) -> "Bucket":
        address = (scope.get("client") or ("",))[0]
        bucket = self._clients.pop(address, None) or Bucket(self._rate, self._rate * BURST)
        self._clients[address] = bucket
        if len(self._clients) > CLIENTS:
            self._clients.popitem(last=False)
        return bucket


class Bucket:
    """A token bucket: `rate` a second on average, `burst` at once, but never less than one."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, max(1.0, burst)
        self._left, self._then = self._burst, time.monotonic()

    def take(self) -> bool:
        """Whether one more is within the rate."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + self._rate * (now - self._then))
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`, a name or an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _name(host: str) -> str:
    """`localhost:8000` as `localhost`, `[::1]:8000` as `::1`."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _place(origin: str) -> str | None:
    """`http://localhost:8000` as `localhost:8000`; None of what is no address."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _token(headers: Headers) -> str:
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    offered = [word.strip() for word in headers.get("sec-websocket-protocol", "").split(",")]
    return offered[1] if len(offered) == 2 and offered[0] == PROTOCOL else ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return sending
