"""An `.npy` file of images written one by one, complete under its name or not there at all."""

import errno
import os
import secrets
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.lib import format as npy

from farview.frames.source import Image

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed: that is lock enough
    fcntl = None  # type: ignore[assignment]


class GrowingArray:
    """Use as a context manager: what `finish` does not complete is removed on leaving.

    Images go to a hidden temporary file beside `path`, on which the process holds a lock as long as it lives, so
    that `remove_abandoned` can tell the files of dead processes. Errors of the disk are OSErrors.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary, self._file = _claim(path)
        self._count, self._shape = 0, (0, 0, 0)

    def append(self, image: Image) -> None:
        """Write an image (H, W, C); all of a file must be of one shape."""
        if self._count == 0:
            self._shape = image.shape
            self._write_header()
        if image.shape != self._shape:
            raise ValueError(f"an image of shape {image.shape} among those of {self._shape}")
        self._file.write(np.ascontiguousarray(image).data)
        self._count += 1

    def finish(self, tail: bytes) -> None:
        """Add `tail` behind the images, state their number in the header, and give the file its name."""
        self._file.write(tail)
        self._file.seek(0)
        self._write_header()
        self._file.flush()
        if fcntl is None:
            self._file.close()  # Windows renames closed files only
        os.replace(self._temporary, self._path)

    def _write_header(self) -> None:
        # NumPy leaves room for the first axis to grow, so that the header's length never changes.
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._count, *self._shape)}
        npy.write_array_header_1_0(self._file, header)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        finally:
            self._temporary.unlink(missing_ok=True)


def open_grown(path: Path, tail: bytes) -> np.memmap | None:
    """The images (N, H, W, C) of a finished file that ends with `tail`, memory-mapped, read-only.

    None where there is no such file, it ends otherwise, or it was cut short or overwritten.
    """
    try:
        with path.open("rb") as file:
            if npy.read_magic(file) != (1, 0):
                return None
            shape, _, dtype = npy.read_array_header_1_0(file)
            start = file.tell()
            file.seek(start + int(np.prod(shape, dtype=object)))
            if dtype != np.uint8 or file.read(len(tail) + 1) != tail:
                return None
            return np.memmap(file, np.uint8, "r", start, shape)
    except (OSError, ValueError, OverflowError):
        return None


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files that dead processes left in the folders two levels below `folder`."""
    for temporary in folder.glob("*/*/.*.tmp"):
        try:
            with temporary.open("rb+") as file:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer lives
                    temporary.unlink(missing_ok=True)
            temporary.unlink(missing_ok=True)  # Windows: not while it is open
        except OSError:
            continue


def _claim(path: Path) -> tuple[Path, BinaryIO]:
    """A new temporary file for `path`, locked."""
    while True:
        temporary = path.with_name(f".{path.stem}.{secrets.token_hex(6)}.tmp")
        file = temporary.open("xb")
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
