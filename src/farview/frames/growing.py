"""An `.npy` file of images written one by one, complete under its name or not there at all."""

from pathlib import Path
from typing import Self

import numpy as np
from numpy.lib import format as npy

from farview.frames.source import Image
from farview.frames.temporary import claim, replace


class GrowingArray:
    """Use as a context manager: what `finish` does not complete is removed on leaving.

    Images go to a temporary file beside `path` (`farview.frames.temporary`). Errors of the disk are OSErrors.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary, self._file = claim(path)
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
        replace(self._temporary, self._file, self._path)

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
