"""One function over many items by several processes, whatever becomes of those processes."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Event
from threading import Lock, Thread
from types import ModuleType
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

ROUND = 4096
"""Items handed to one set of processes; bounds the memory that waiting ones take."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")

_one_at_a_time = Lock()  # of those that change what the whole process shares
_stop: Event | None = None  # in a worker: set when its work is no longer wanted


def stopping() -> bool:
    """Whether to break off: for work to ask now and then. Always False outside a worker process."""
    return _stop is not None and _stop.is_set()


def in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Result | None]]:
    """(item, `work(item)`) as they are done; (item, None) where the work killed its process.

    `work` and the items must be picklable, the items hashable and different. An error of `work` is raised here.
    The processes start afresh (spawn), compute with one thread each and end when this one does, even by a kill.
    They do not run the main script again, so that a script needs no `if __name__ == "__main__"`, except where
    that script defines the class of an item. Leaving early, as by Ctrl-C, waits for work in progress, which is
    told by `stopping`.
    """
    left = dict.fromkeys(items)
    while left:
        together = list(left)[:ROUND]
        for item, result in _attempt(work, together, workers):
            del left[item]
            yield item, result
        # Had a process died, it was over one of those in the queue's front, and took the others with it.
        suspects = [item for item in together if item in left][: 2 * workers + 1]
        for item, result in _attempt(work, suspects, 1):
            del left[item]
            yield item, result
        guilty = next((item for item in suspects if item in left), None)
        if guilty is not None:
            del left[guilty]
            yield guilty, None


def _attempt(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Result]]:
    """Results until all are there or a process dies; one process works in the order of `items`."""
    if not items:
        return
    context = get_context("spawn")  # a fork of a process with threads may hang
    stop = context.Event()
    pool = ProcessPoolExecutor(min(workers, len(items)), context, _start, (stop,))
    futures = {}
    try:
        with spawning(*items):
            for item in items:
                try:
                    futures[pool.submit(work, item)] = item
                except BrokenProcessPool:
                    break
        for future in as_completed(futures):
            if not isinstance(future.exception(), BrokenProcessPool):
                yield futures[future], future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


@contextmanager
def spawning(*items: object) -> Iterator[None]:
    """While processes are started: no main script for them to run, and one thread for their linear algebra.

    The main script is run where it defines the class of one of `items`. Another thread waits until this one is done.
    """
    with _one_at_a_time:
        main, environment = sys.modules["__main__"], os.environ.copy()
        if not any(type(item).__module__ == "__main__" for item in items):
            sys.modules["__main__"] = ModuleType("__main__")
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            for name in _ONE_THREAD:
                if name in environment:
                    os.environ[name] = environment[name]
                else:
                    del os.environ[name]


def _start(stop: Event) -> None:
    """First thing in a worker."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    follow_parent()


def follow_parent() -> None:
    """In a worker process: end when the parent does, even by a kill."""
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    Thread(target=follow, daemon=True).start()
