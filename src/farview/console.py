"""What the terminal shows while something takes long."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def progress(what: str, quiet: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error; yields `update(done, total)`, or None when quiet."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update


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
