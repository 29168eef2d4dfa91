"""A signal may come at any moment, also within what it makes others leave."""

import subprocess
import sys

import pytest

HELD = """
import signal
from farview.deploy.stop import stop_on_signal

with stop_on_signal() as stop:
    with stop._cond:  # as within stop.wait(), for a moment
        signal.raise_signal(signal.{signal})
    print(stop.wait(20))
"""


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
def test_it_may_come_while_the_event_is_locked(signal: str) -> None:
    command = [sys.executable, "-c", HELD.format(signal=signal)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40)
    assert done.stdout == "True\n", done.stderr
