"""Commands and web hooks: when, with what, and never in the way."""

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from farview.deploy.watch.actions import Actions, Post
from farview.deploy.watch.answer import Answer
from farview.deploy.watch.setup import Report
from farview.errors import FarviewError

EVIL = "$(touch evil); `touch evil` 'a\" && touch evil"
CLASSES = ("walk", EVIL, "background")


def report(best: str, sure: bool = True, source: str = "hall") -> Report:
    return Report(source, 2.0, Answer(best, 0.9, sure, {best: 0.9}), 0.1)


@contextmanager
def server(received: list[dict], answer: threading.Event | None = None, status: int = 200) -> Iterator[str]:
    """A loopback address; it answers once `answer` is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if answer is not None:
                answer.wait(60)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    made = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{made.server_port}/hook?key=secret"
    finally:
        made.shutdown()
        made.server_close()


def test_a_hook_hears_of_each_beginning_once() -> None:
    received: list[dict] = []
    with server(received) as address, Actions(CLASSES, webhook=address) as actions:
        for best, sure in (
            ("walk", True),
            ("walk", True),  # goes on
            ("walk", False),  # unsure
            ("walk", True),  # begins again
            ("background", True),
            (EVIL, True),
        ):
            actions(report(best, sure))
        actions(report(EVIL, source="yard"))  # another source
    assert [(facts["source"], facts["label"]) for facts in received] == [
        ("hall", "walk"),
        ("hall", "walk"),
        ("hall", EVIL),
        ("yard", EVIL),
    ]
    assert received[0]["score"] == 0.9 and received[0]["seconds"] == 2.0


def test_only_what_was_asked_for() -> None:
    received: list[dict] = []
    with server(received) as address, Actions(CLASSES, on=["walk"], webhook=address) as actions:
        for best in (EVIL, "walk", "background"):
            actions(report(best))
    assert [facts["label"] for facts in received] == ["walk"]


def test_a_label_reaches_a_command_by_its_environment_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note it.sh").write_text(
        'printf "%s|%s|%s|%s" "$1" "$FARVIEW_LABEL" "$FARVIEW_SCORE" "$FARVIEW_SOURCE $FARVIEW_TIME" > noted'
    )
    with Actions(CLASSES, command="sh 'note it.sh' '$FARVIEW_LABEL;touch evil'") as actions:
        actions(report(EVIL))
    noted = (tmp_path / "noted").read_text()
    assert noted == f"$FARVIEW_LABEL;touch evil|{EVIL}|0.900000|hall 2.0"
    assert not (tmp_path / "evil").exists()


def test_a_hook_that_does_not_answer_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farview.deploy.watch.actions.WAITING", 3)
    answer, received, said = threading.Event(), [], []
    with server(received, answer) as address, Actions(CLASSES, webhook=address, said=said.append) as actions:
        for number in range(20):
            actions(report("walk", source=f"camera{number}"))  # would wait for ever, were they to wait
        assert len(said) >= 16 and "--webhook: too slow: 'walk' of camera" in said[0]
        answer.set()
    assert 2 <= len(received) <= 4


def test_an_answer_that_drips_in_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte comes soon enough, the whole of it does not; meanwhile nothing more is sent there."""
    monkeypatch.setattr("farview.deploy.watch.actions.HOOK_SECONDS", 0.5)
    done, connections = threading.Event(), []

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        connections.append(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not done.wait(0.1):
            connection.sendall(b"a")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        dripping = threading.Thread(target=drip, args=(listening,))
        dripping.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/x?key=secret"
        post = Post(address)
        for expected in ("no answer for 0.5 s", "has not answered the one before yet"):
            with pytest.raises(OSError, match=rf"http://127\.0\.0\.1:\d+/x\?\*\*\*: {expected}"):
                post({"label": "walk"})
        done.set()
        dripping.join()
    assert len(connections) == 1


def test_what_waits_at_the_end_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow hook hears of everything, however long after the source's end."""
    monkeypatch.setattr("farview.deploy.watch.actions.HOOK_SECONDS", 0.2)
    answer, received, said = threading.Event(), [], []
    tell = partial(waiting, said, answer)
    with server(received, answer) as address:
        monkeypatch.setattr("farview.deploy.watch.actions.Post", partial(patient, address))
        with Actions(CLASSES, webhook=address, said=tell) as actions:
            for number in range(5):
                actions(report("walk", source=f"camera{number}"))
    assert [facts["source"] for facts in received] == [f"camera{number}" for number in range(5)]
    assert said == ["--webhook: 5 to be done yet; Ctrl-C leaves them out"]


def waiting(said: list[str], answer: threading.Event, text: str) -> None:
    """The hook answers only once the watching waits for it."""
    said.append(text)
    answer.set()


def patient(address: str, _: str) -> Callable[[dict], None]:
    """Posts without a limit of its own."""

    def post(facts: dict) -> None:
        body = json.dumps(facts).encode()
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(address, body, headers, method="POST")).close()

    return post


def test_a_stop_breaks_off_what_a_command_started_and_says_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("farview.deploy.watch.actions.HOOK_SECONDS", 2.0)
    (tmp_path / "long.sh").write_text("sleep 300 & echo $! > pid.part; mv pid.part pid; wait")
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    stop = threading.Event()
    with Actions(CLASSES, command="sh long.sh", said=said.append, stop=stop) as actions:
        for number in range(3):
            actions(report("walk", source=f"camera{number}"))
        stop.set()
    assert said[0] == "--exec: 3 left out or broken off at the end"
    assert ended(int((tmp_path / "pid").read_text()))


def ended(pid: int) -> bool:
    """Whether a process ends within 10 s; one whose parent has not asked for its status has ended too."""
    try:
        process = psutil.Process(pid)
        for _ in range(100):
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return True
    return False


def test_a_command_is_ended_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farview.deploy.watch.actions.COMMAND_SECONDS", 0.5)
    said: list[str] = []
    with Actions(CLASSES, command="sleep 300", said=said.append) as actions:
        actions(report("walk"))
    assert said == ["--exec: walk of hall: sleep was ended after 0.5 s"]


def test_failures_are_told_without_secrets() -> None:
    said: list[str] = []
    with server([], status=500) as address, Actions(CLASSES, webhook=address, said=said.append) as actions:
        actions(report("walk"))
    with Actions(CLASSES, webhook="http://127.0.0.1:9/x?key=secret", said=said.append) as actions:
        actions(report("walk"))
    with Actions(CLASSES, command="false", said=said.append) as actions:
        actions(report("walk"))
    assert len(said) == 3 and all("walk of hall" in text and "secret" not in text for text in said), said
    assert "500" in said[0] and "false ended with status 1" in said[2]


@pytest.mark.parametrize("command", ["no-such-program now", "./absent"])
def test_a_command_that_is_not_there_is_refused_before_it_is_needed(command: str) -> None:
    with pytest.raises(FarviewError, match=f"--exec: {command.split()[0]}: no such program"):
        Actions(CLASSES, command=command)


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "hall",
        "http://",
        "http://host:port/x",
        "http://me:secret@host/x",
        "ftp://host/x",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(FarviewError, match=r"--webhook: .*expected http") as error:
        Actions(CLASSES, webhook=address)
    assert "secret" not in str(error.value)


def test_whatever_goes_wrong_in_sending_is_told() -> None:
    """An address that cannot be written as HTTP has it."""
    post = Post("http://127.0.0.1:9/\u00fc?token=secret")
    with pytest.raises(OSError, match=r"127\.0\.0\.1") as caught:
        post({"label": "wave"})
    assert "secret" not in str(caught.value)
