"""Writing files so that a reader never sees half of one."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from farview.errors import FarviewError
from farview.frames.temporary import claim, remove_abandoned, replace, temporaries_of

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def atomic_write(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open `path` for writing so that it appears complete or not at all.

    What is written goes to a hidden temporary file in the same folder (created where missing), which is
    flushed, synchronised to disk and renamed to `path` when the block ends; where the block raises, it is
    removed and an older `path` stays as it was. What a killed process left of `path` is removed first. Text
    modes write UTF-8 and leave line ends alone.

    Raises `FarviewError` naming the file where the disk is full or the folder cannot be written to. Other
    errors of the block pass unchanged.
    """
    path = Path(path)
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(temporaries_of(path))
        temporary, file = claim(path, mode.replace("w", "x"), **text)
    except OSError as error:
        raise FarviewError(f"{path}: cannot be written: {_reason(error)}") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            try:
                replace(temporary, file, path)
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
