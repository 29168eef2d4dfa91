"""Requests a second of `farview serve`, their latency, and where the time goes.

    python benchmarks/serve.py MODEL [--clip clip.mp4] [--clients 1 8 32] [--seconds 10]

The server has one processor core, its clients the other (where there are two). Each client asks again as soon as it
is answered: with the eLR frames of one window, and where a clip is given by uploading it, which the server decodes. One
that is sent away (503: too many clips are being decoded) tries again after 0.1 s.
Needs psutil (extra `test`). Shares are of the clock: the network, the rest of the server's processor time, its decoding
processes.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import numpy as np
import psutil

from farview.models.contract import read_contract
from farview.models.sight import seen_size

RAW = {"content-type": "application/octet-stream"}
Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


def started(model: str) -> tuple[subprocess.Popen[str], str]:
    """The server on a free port, and its address."""
    command = [sys.executable, "-m", "farview", "serve", model, "--port", "0", "--limit.requests", "1000000"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert server.stdout is not None
    for line in server.stdout:
        if address := re.match(r"https?://\S+?(?=/(\s|$))", line):
            return server, address[0]
    raise SystemExit("the server did not start")


def window_of(model: str) -> Ask:
    """The eLR frames that the model looks at, as one request."""
    contract = read_contract(model)
    count = contract.intervals.count * contract.intervals.frames
    shape = count, *seen_size(contract), contract.channels
    frames = np.random.default_rng(0).integers(0, 256, shape, np.uint8).tobytes()
    path = f"/api/frames?shape={'x'.join(map(str, shape))}"
    return lambda client: client.post(path, content=frames, headers=RAW)


def upload_of(clip: Path) -> Ask:
    """A clip as one request."""
    content = clip.read_bytes()
    return lambda client: client.post("/api/predict", files={"clip": (clip.name, content)})


async def asked(address: str, ask: Ask, clients: int, seconds: float) -> tuple[list[float], int]:
    """Latencies in seconds of all requests that were answered, and how many the server had no room for."""
    latencies: list[float] = []
    refused = 0
    until = time.perf_counter() + seconds

    async def one() -> None:
        nonlocal refused
        # A client each: one pool for all slows down with many.
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            while (start := time.perf_counter()) < until:
                response = await ask(client)
                if response.status_code == 503:
                    refused += 1
                    await asyncio.sleep(0.1)
                    continue
                response.raise_for_status()
                latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(one() for _ in range(clients)))
    return latencies, refused


def spent(address: str, pid: int) -> np.ndarray:
    """Seconds so far: the network, the server's process, its children."""
    text = httpx.get(f"{address}/metrics").text
    network = re.search(r"^farview_network_seconds_sum (\S+)", text, re.MULTILINE)
    assert network is not None
    server = psutil.Process(pid)
    own, times = server.cpu_times(), [child.cpu_times() for child in server.children(recursive=True)]
    children = own.children_user + own.children_system + sum(t.user + t.system for t in times)
    return np.array([float(network[1]), own.user + own.system, children])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])  # the server inherits it
    server, address = started(options.model)
    os.sched_setaffinity(0, cores[1:] or cores)
    try:
        kinds = {"window": window_of(options.model)} | (
            {"upload": upload_of(options.clip)} if options.clip else {}
        )
        for kind, ask in kinds.items():
            for clients in options.clients:
                asyncio.run(asked(address, ask, clients, 1))  # warm
                before = spent(address, server.pid)
                answered, refused = asyncio.run(asked(address, ask, clients, options.seconds))
                latencies = np.array(answered)
                network, own, children = (spent(address, server.pid) - before) / options.seconds * 100
                median, worst = np.quantile(latencies, [0.5, 0.99]) * 1000
                print(
                    f"{kind:7} {clients:3} clients  {len(latencies) / options.seconds:7.1f} requests a second  "
                    f"median {median:6.1f} ms, 99th percentile {worst:6.1f} ms  network {network:3.0f} %, "
                    f"the rest of the server {own - network:3.0f} %, decoding {children:3.0f} %, refused {refused}",
                    flush=True,
                )
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
