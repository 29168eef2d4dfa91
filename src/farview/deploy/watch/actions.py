"""What an answer sets off: a command, a web hook. Neither ever holds up the watching."""

import json
import os
import queue
import shlex
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any
from urllib.error import HTTPError, URLError
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

    Context manager: leaving it does what still waits; once `stop` is set, only for `HOOK_SECONDS` more, and what is
    left then is said.
    """

    def __init__(
        self,
        classes: Sequence[str],
        on: Sequence[str] = (),
        command: str | None = None,
        webhook: str | None = None,
        said: Callable[[str], None] = print,
        stop: threading.Event | None = None,
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
        self._stop = stop or threading.Event()
        self._workers = []
        if command is not None:
            program = Program(command)
            self._workers.append(Worker("--exec", program, said, program.end))
        if webhook is not None:
            self._workers.append(Worker("--webhook", Post(webhook), said))

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
            worker.close(self._stop)


class Worker:
    """One thread that does one thing after the other."""

    def __init__(
        self,
        name: str,
        work: Callable[[dict[str, Any]], None],
        said: Callable[[str], None],
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """`end` breaks off what `work` is at."""
        self._name, self._work, self._said, self._end = name, work, said, end
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, facts: dict[str, Any]) -> None:
        """To be done when it is its turn; left out where too much waits already."""
        if self._queue.unfinished_tasks > WAITING:
            self._said(f"{self._name}: too slow: '{facts['label']}' of {facts['source']} was left out")
            return
        self._queue.put(facts)

    def close(self, stop: threading.Event) -> None:
        """Do what waits; once `stop` is set, for `HOOK_SECONDS` more, then break off and say what is left."""
        self._queue.put(None)  # a task as well, not to be counted below
        self._thread.join(HOOK_SECONDS)
        if self._thread.is_alive() and not stop.is_set():
            self._said(
                f"{self._name}: {self._queue.unfinished_tasks - 1} to be done yet; Ctrl-C leaves them out"
            )
            while self._thread.is_alive() and not stop.is_set():
                self._thread.join(0.1)
        if self._thread.is_alive():
            left, self._work = self._queue.unfinished_tasks - 1, lambda facts: None
            self._end()
            self._said(f"{self._name}: {left} left out or broken off at the end")

    def _run(self) -> None:
        while (facts := self._queue.get()) is not None:
            try:
                self._work(facts)
            except Exception as error:
                self._said(f"{self._name}: {facts['label']} of {facts['source']}: {error}")
            self._queue.task_done()


class Program:
    """A command, run without a shell. What was seen is in its environment, never part of the command line:
    FARVIEW_LABEL, FARVIEW_SCORE, FARVIEW_SOURCE, FARVIEW_TIME (ISO 8601, or seconds of a recording).

    Raises FarviewError for what is no command.
    """

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise FarviewError(f"--exec: {command!r} is no command: {error}") from None
        if not self._words:
            raise FarviewError("--exec: an empty command; name a program with its arguments")
        if shutil.which(self._words[0]) is None:
            raise FarviewError(f"--exec: {self._words[0]}: no such program, or it may not be run")
        self._running: subprocess.Popen | None = None

    def __call__(self, facts: dict[str, Any]) -> None:
        """Run it to its end, `COMMAND_SECONDS` at most. Raises OSError where it fails."""
        seen = {
            "FARVIEW_LABEL": facts["label"],
            "FARVIEW_SCORE": f"{facts['score']:.6f}",
            "FARVIEW_SOURCE": facts["source"],
            "FARVIEW_TIME": str(facts.get("time", facts["seconds"])),
        }
        # Its output goes where messages go: ours may be read by a program. A group of its own ends as a whole.
        self._running = subprocess.Popen(
            self._words,
            env=os.environ | seen,
            stdin=subprocess.DEVNULL,
            stdout=2,
            process_group=0 if os.name == "posix" else None,
        )
        try:
            status = self._running.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            raise OSError(f"{self._words[0]} was ended after {COMMAND_SECONDS:g} s") from None
        if status:
            raise OSError(f"{self._words[0]} ended with status {status}")

    def end(self) -> None:
        """End the command and what it has started."""
        if self._running is None or self._running.poll() is not None:
            return
        if os.name == "posix":
            os.killpg(self._running.pid, signal.SIGKILL)
        else:
            self._running.kill()
        self._running.wait()


class Post:
    """Posts what was seen as JSON, as `--json` prints it. Raises FarviewError for what is no address of a web hook."""

    def __init__(self, address: str) -> None:
        try:
            parts = urlsplit(address)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # of a port that is no number
            good = False
        self._address, self._name = address, Stream(address).name  # without its secrets
        if not good or parts.username is not None:
            raise FarviewError(
                f"--webhook: {self._name}; expected http:// or https://, a host and no user (a token may stand "
                "behind a question mark)"
            )
        self._sending: threading.Thread | None = None
        self._error: object = None

    def __call__(self, facts: dict[str, Any]) -> None:
        """Wait `HOOK_SECONDS` at most, however slowly an answer drips in; as long before it for one that still does.

        Raises OSError where it fails.
        """
        if self._sending is not None:
            self._sending.join(HOOK_SECONDS)
            if self._sending.is_alive():
                raise OSError(f"{self._name}: has not answered the one before yet")
        self._error = None
        self._sending = threading.Thread(target=self._send, args=(json.dumps(facts).encode(),), daemon=True)
        self._sending.start()
        self._sending.join(HOOK_SECONDS)
        if self._sending.is_alive():
            raise OSError(f"{self._name}: no answer for {HOOK_SECONDS:g} s")
        if self._error is not None:
            raise OSError(f"{self._name}: {self._error}")

    def _send(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._address, body, headers, method="POST")
        try:
            urllib.request.urlopen(request, timeout=HOOK_SECONDS).close()
        except HTTPError as error:
            self._error = error
        except URLError as error:
            self._error = error.reason
        except Exception as error:  # in a thread of its own nobody else would hear of it
            self._error = error
