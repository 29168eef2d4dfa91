"""Hidden temporary files beside the files that they become, locked by the processes that write them."""

import errno
import glob
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed: that is lock enough
    fcntl = None  # type: ignore[assignment]

_DIGITS = 12


def claim(path: Path, mode: str = "xb", **options: Any) -> tuple[Path, IO[Any]]:
    """A new temporary file for `path`, open, and locked as long as this process keeps it open."""
    while True:
        temporary = path.with_name(f"{_start(path)}{secrets.token_hex(_DIGITS // 2)}.tmp")
        file = open(temporary, mode, **options)  # noqa: SIM115 - the caller's to close
        if fcntl is None:
            return temporary, file
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise  # else a file system without locks, where nothing is ever taken for abandoned
        if os.fstat(file.fileno()).st_nlink:
            return temporary, file
        file.close()  # it was taken for abandoned in the moment before it was locked


def replace(temporary: Path, file: IO[Any], path: Path) -> None:
    """Give a written temporary file its name, still locked where the system allows that."""
    if fcntl is None:
        file.close()
    os.replace(temporary, path)


def temporaries_of(path: Path) -> Iterable[Path]:
    """Those that were claimed for `path`, by whomever."""
    return path.parent.glob(f"{glob.escape(_start(path))}{'[0-9a-f]' * _DIGITS}.tmp")


def remove_abandoned(temporaries: Iterable[Path]) -> None:
    """Remove those that dead processes have left."""
    for temporary in temporaries:
        try:
            with temporary.open("rb+") as file:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer lives
                    temporary.unlink(missing_ok=True)
            temporary.unlink(missing_ok=True)  # Windows: not while it is open
        except OSError:
            continue


def _start(path: Path) -> str:
    return f".{path.name[:64]}."
