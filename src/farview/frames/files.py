"""Writing files so that a reader never sees half of one."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from farview.errors import FarviewError

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def atomic_write(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open `path` for writing so that it appears complete or not at all.

    What is written goes to a hidden temporary file in the same folder (created where missing), which is
    flushed, synchronised to disk and renamed to `path` when the block ends; where the block raises, it is
    removed and an older `path` stays as it was. Text modes write UTF-8 and leave line ends alone.

    Raises `FarviewError` naming the file where the disk is full or the folder cannot be written to. Other
    errors of the block pass unchanged.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name[:64]}.{secrets.token_hex(6)}.tmp"
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(temporary, mode.replace("w", "x"), **text)  # noqa: SIM115 - closed below, on every path
    except OSError as error:
        raise FarviewError(f"{path}: cannot be written: {_reason(error)}") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        try:
            os.replace(temporary, path)
        except OSError as error:
            raise FarviewError(f"{path}: cannot be written: {_reason(error)}") from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise FarviewError(f"{path}: cannot be written: {_reason(error)}") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    if error.errno in _NO_ROOM:
        return "no space is left on that disk; free some, or choose another folder"
    return error.strerror or str(error)
