"""Processes that start while the main script is out of the way."""

import os
import sys
from threading import Event, Thread

from farview.frames.workers import spawning


def test_two_threads_put_back_what_was_there() -> None:
    """The second begins while the first has hidden the main script, and ends after it."""
    main, threads = sys.modules["__main__"], os.environ.get("OPENBLAS_NUM_THREADS")
    inside, second_waits = Event(), Event()

    def first() -> None:
        with spawning():
            inside.set()
            second_waits.wait(0.2)  # longer only where both are inside

    def second() -> None:
        inside.wait()
        with spawning():
            second_waits.set()
            one.join()

    one, two = Thread(target=first), Thread(target=second)
    one.start()
    two.start()
    two.join()
    assert sys.modules["__main__"] is main
    assert os.environ.get("OPENBLAS_NUM_THREADS") == threads
