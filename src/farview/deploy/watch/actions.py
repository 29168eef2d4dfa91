"""What an answer sets off: a command, a web hook. Neither ever holds up the watching."""

import json
import os
import queue
import shlex
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from farview.data.layout import nearest
from farview.deploy.watch.setup import Report
from farview.errors import FarviewError
from farview.frames.camera import Stream

COMMAND_SECONDS = 60.0
"""How long a command may run."""
HOOK_SECONDS = 5.0
"""How long a web hook may take to answer."""
WAITING = 100
"""What may wait for a command or hook; beyond that it is left out, and said."""


class Actions:
    """Does something when an action begins: a sure answer, no background, that the source's last answer was not.

    Context manager: leaving it waits for what is under way, `HOOK_SECONDS` at most.
    """

    def __init__(
        self,
        classes: Sequence[str],
        on: Sequence[str] = (),
        command: str | None = None,
        webhook: str | None = None,
        said: Callable[[str], None] = print,
    ) -> None:
        """`on`: these classes only; none: all. Raises FarviewError for a class, command or address that is none."""
        for name in on:
            if name not in classes:
                raise FarviewError(
                    f"--on: the model has no class '{name}'{nearest(name, classes)}; it has: {', '.join(classes)}"
                )
        if on and not (command or webhook):
            raise FarviewError("--on: what is to be done? add --exec COMMAND or --webhook ADDRESS")
        self._on = set(on or classes)
        self._last: dict[str, str | None] = {}
        self._workers = []
        if command is not None:
            self._workers.append(Worker("--exec", runner(command), said))
        if webhook is not None:
            self._workers.append(Worker("--webhook", poster(webhook), said))

    def __call__(self, report: Report) -> None:
        """Hand on what begins with a report; returns at once."""
        action = report.answer.action
        begins = action is not None and action != self._last.get(report.source)
        self._last[report.source] = action
        if begins and action in self._on:
            for worker in self._workers:
                worker.put(report.to_dict())

    def __enter__(self) -> "Actions":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()


class Worker:
    """One thread that does one thing after the other."""

    def __init__(
        self, name: str, work: Callable[[dict[str, Any]], None], said: Callable[[str], None]
    ) -> None:
        self._name, self._work, self._said = name, work, said
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, facts: dict[str, Any]) -> None:
        """To be done when it is its turn; left out where too much waits already."""
        try:
            self._queue.put_nowait(facts)
        except queue.Full:
            self._said(f"{self._name}: too slow: '{facts['label']}' of {facts['source']} was left out")

    def close(self) -> None:
        """Wait for what is under way."""
        try:
            self._queue.put(None, timeout=HOOK_SECONDS)
            self._thread.join(HOOK_SECONDS)
        except queue.Full:
            pass

    def _run(self) -> None:
        while (facts := self._queue.get()) is not None:
            try:
                self._work(facts)
            except Exception as error:
                self._said(f"{self._name}: {facts['label']} of {facts['source']}: {error}")


def runner(command: str) -> Callable[[dict[str, Any]], None]:
    """Runs a command, without a shell. What was seen is in its environment, never part of the command line:
    FARVIEW_LABEL, FARVIEW_SCORE, FARVIEW_SOURCE, FARVIEW_TIME (ISO 8601, or seconds of a recording).
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise FarviewError(f"--exec: {command!r} is no command: {error}") from None
    if not words:
        raise FarviewError("--exec: an empty command; name a program with its arguments")
    if shutil.which(words[0]) is None:
        raise FarviewError(f"--exec: {words[0]}: no such program, or it may not be run")

    def run(facts: dict[str, Any]) -> None:
        seen = {
            "FARVIEW_LABEL": facts["label"],
            "FARVIEW_SCORE": f"{facts['score']:.6f}",
            "FARVIEW_SOURCE": facts["source"],
            "FARVIEW_TIME": str(facts.get("time", facts["seconds"])),
        }
        done = subprocess.run(  # its output goes where messages go: ours may be read by a program
            words, env=os.environ | seen, stdin=subprocess.DEVNULL, stdout=2, timeout=COMMAND_SECONDS
        )
        if done.returncode:
            raise OSError(f"{words[0]} ended with status {done.returncode}")

    return run


def poster(address: str) -> Callable[[dict[str, Any]], None]:
    """Posts what was seen as JSON, as `--json` prints it."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of a port that is no number
        good = False
    if not good or parts.username is not None:
        raise FarviewError(
            f"--webhook: {Stream(address).name}; expected http:// or https://, a host and no user (a token may stand "
            "behind a question mark)"
        )

    def post(facts: dict[str, Any]) -> None:
        request = urllib.request.Request(
            address, json.dumps(facts).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            urllib.request.urlopen(request, timeout=HOOK_SECONDS).close()
        except (OSError, HTTPException) as error:
            reason = error if isinstance(error, HTTPError) else getattr(error, "reason", error)
            raise OSError(f"{Stream(address).name}: {reason}") from None  # without the address's secrets

    return post
