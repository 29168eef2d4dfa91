"""What the terminal shows while something takes long."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
EVERY = 30.0
"""Seconds from one line of progress in a log to the next."""


@contextmanager
def progress(what: str, quiet: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error, in a file or pipe a line every half minute; yields `update(done, total)`, or None when
    quiet.
    """
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lines(what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update


def lines(what: str) -> Callable[[int, int], None]:
    """`update(done, total)` for a reader of a log: says where the work is, at most every `EVERY` seconds."""
    said = time.monotonic()

    def update(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= EVERY:
            said = time.monotonic()
            say(f"{what}: {done} of {total}")

    return update


def watched(items: Iterable[Item], total: int, what: str, quiet: bool = False) -> Iterator[Item]:
    """The items, of which there are `total`, with a bar that counts those that are done."""
    with progress(what, quiet) as update:
        for done, item in enumerate(items, 1):
            yield item
            if update is not None:
                update(done, total)


def say(text: str) -> None:
    """A message on standard error, beside what a program may read."""
    print(f"farview: {text}", file=sys.stderr, flush=True)
