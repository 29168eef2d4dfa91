"""Starting and ending the server."""

import re
import secrets
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from farview.deploy.private import no_dumps
from farview.deploy.serve.api import application
from farview.deploy.serve.guard import is_loopback
from farview.deploy.serve.idle import closing_idle
from farview.deploy.serve.limits import Limits
from farview.deploy.serve.live import Window
from farview.deploy.serve.log import quiet
from farview.deploy.serve.names import reachable
from farview.deploy.serve.replicas import replicated
from farview.deploy.stop import stop_on_signal
from farview.errors import FarviewError

DRAIN = 10
"""Seconds for requests in progress to be answered after SIGTERM."""
CONNECTIONS = 512
"""At the same time; more are sent away (503)."""


def serve(
    model: str | Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    tls: list[str] | None = None,
    replicas: int | None = None,
    limits: Limits = Limits(),
    **window: float,
) -> None:
    """Serve until Ctrl-C or SIGTERM; then requests in progress are answered first.

    `tls`: files of a certificate and its key, or nothing for one that signs itself; None: no TLS. `replicas`: so many
    under Ray Serve, each with limits of its own, and always with a token. `window` is what
    `farview.deploy.serve.live.Window` takes. Raises FarviewError where the model, the certificate or the address
    cannot be used.
    """
    no_dumps()
    if token is None and (replicas is not None or not is_loopback(host)):
        token = secrets.token_urlsafe(18)
    if token is not None and not re.fullmatch(r"[A-Za-z0-9._~-]{16,}", token):
        raise FarviewError(
            "--token: expected 16 or more letters, digits, '-', '.', '_' or '~'; leave it out and one is made"
        )
    build = partial(application, limits=limits, window=Window(**window), token=token)
    app = build(model)
    if replicas is not None:
        _serve_replicas(partial(build, Path(model).absolute()), replicas, host, port, token, tls)
        return
    with ExitStack() as stack:
        certificate, note = _tls(tls, host, stack)
        config = uvicorn.Config(
            app,
            http=closing_idle(limits.seconds),
            loop="asyncio",  # uvloop, where there is one, hands bytes to io_uring, which nothing can trace
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws_max_size=max(prod(app.state.service.shape), 1024),
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=DRAIN,
            **certificate,
        )
        try:
            config.load()
        except OSError as error:
            raise FarviewError(f"--tls: the certificate or its key cannot be used ({error})") from None
    # What signs itself is in memory now, its files are gone.
    quiet()
    with _listening(host, port, limits.seconds) as listening, suppress(KeyboardInterrupt):
        _announce(config.is_ssl, host, listening.getsockname()[1], token, note)
        uvicorn.Server(config).run([listening])


def _serve_replicas(
    build: Callable[[], FastAPI], count: int, host: str, port: int, token: str | None, tls: list[str] | None
) -> None:
    if count < 1:
        raise FarviewError(f"--replicas is {count}; it must be 1 or more")
    if tls == []:
        raise FarviewError("--tls: with --replicas it takes two files, a certificate and its key")
    with ExitStack() as stack:
        certificate, _ = _tls(tls and [str(Path(file).absolute()) for file in tls], host, stack)
    with _listening(host, port) as free:
        port = free.getsockname()[1]
    http = {"host": host, "port": port, **certificate}
    with replicated(build, count, http, CONNECTIONS, DRAIN), stop_on_signal() as stop:
        _announce(bool(certificate), host, port, token)
        stop.wait()


def _announce(secure: bool, host: str, port: int, token: str | None, note: str = "") -> None:
    name = reachable(host)
    name = f"[{name}]" if ":" in name else name
    place = f"http{'s' if secure else ''}://{name}:{port}/"
    print(f"{place}{f'#token={token}' if token else ''}\n{note}Ctrl-C ends it", flush=True)
    if not is_loopback(host) and not secure:
        print("browsers give cameras only to secure pages: add --tls for those of other machines", flush=True)


def _listening(host: str, port: int, seconds: float = 0) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FarviewError(
            f"{host}:{port} cannot be listened on ({reason}); choose another --host or --port"
        ) from None
    # Connections inherit it; otherwise every answer waits for 40 ms: asyncio does not take this for a TCP socket.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: for a client to take what is sent to it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(int(1000 * seconds), 2**31 - 1))
    return listening


def _tls(files: list[str] | None, host: str, stack: ExitStack) -> tuple[dict[str, Any], str]:
    """Options for uvicorn, and what to say of the certificate."""
    if files is None:
        return {}, ""
    if len(files) == 2:
        for file in files:
            if not Path(file).is_file():
                raise FarviewError(
                    f"--tls: {file}: no such file; expected a certificate and its key, both PEM"
                )
        return {"ssl_certfile": files[0], "ssl_keyfile": files[1]}, ""
    if files:
        raise FarviewError("--tls takes nothing, or two files: a certificate and its key")
    from farview.deploy.serve.tls import self_signed

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    certificate, key, fingerprint = self_signed(folder, host)
    note = f"its certificate signs itself; accept it in the browser if its SHA-256 is\n  {fingerprint}\n"
    return {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}, note
