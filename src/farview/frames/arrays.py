"""Frames that lie in `.npy` and `.npz` files (thermal arrays, depth cameras) or in memory."""

import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview.errors import UnreadableClip
from farview.frames.reader import LoadedReader, Reader, file_fingerprint, reason_of
from farview.frames.source import Image, Images


@dataclass(frozen=True)
class ArrayFrames:
    """Frames `start` to `stop` (not included) of an `.npy` file, or of the array `frames` of an `.npz` file.

    The array is (T, H, W) or (T, H, W, C), C = 1 or 3. Where it holds many clips one after the other, `start`
    and `stop` cut one out. With `low` and `high`, values low..high become the greys 0..255, rounded and clipped
    (NaN, a dead pixel, becomes 0); uint8 arrays need neither. Files of `.npy` are memory-mapped.
    """

    path: Path
    start: int = 0
    stop: int | None = None
    low: float | None = None
    high: float | None = None

    @property
    def name(self) -> str:
        whole = self.start == 0 and self.stop is None
        return (
            str(self.path) if whole else f"{self.path}[{self.start}:{'' if self.stop is None else self.stop}]"
        )

    def fingerprint(self) -> str:
        """Changes with the file's size and time and with every setting. Raises `UnreadableClip` if it is missing."""
        return file_fingerprint(self.path, self.start, self.stop, self.low, self.high)

    def open(self) -> Reader:
        """Raises `UnreadableClip` where the file, its shape, its type or the range cannot be used."""
        array = load_array(self.path, "frames")
        shape = f"shape {array.shape}, type {array.dtype}"
        if (
            array.ndim not in (3, 4)
            or (array.ndim == 4 and array.shape[3] not in (1, 3))
            or 0 in array.shape[1:]
        ):
            raise UnreadableClip(f"{self.path}: frames must be (T, H, W) or (T, H, W, 1 or 3), not {shape}")
        if not len(array):
            raise UnreadableClip(f"{self.path}: holds no frames")
        stop = len(array) if self.stop is None else self.stop
        if not 0 <= self.start < stop <= len(array):
            raise UnreadableClip(f"{self.name}: no such frames: {self.path.name} holds {len(array)}")
        if (self.low is None) != (self.high is None):
            raise UnreadableClip(f"{self.path}: `low` and `high` go together: give both or neither")
        if self.low is None and array.dtype != np.uint8:
            raise UnreadableClip(
                f"{self.path}: frames are {array.dtype}, not uint8; "
                "give `low` and `high` (in a recipe data.low, data.high), the values that become grey 0 and 255, "
                "or store them as uint8"
            )
        if self.low is not None and self.high is not None and not -math.inf < self.low < self.high < math.inf:
            raise UnreadableClip(
                f"{self.path}: `low` must be below `high`, but they are {self.low} and {self.high}"
            )
        if array.dtype.kind not in "buif":
            raise UnreadableClip(f"{self.path}: frames must be numbers, not {shape}")
        return _ArrayReader(self.name, array[self.start : stop], self.low, self.high)


class _ArrayReader(Reader):
    """Turns values into greys as they are read, so that a memory-mapped file stays on disk."""

    def __init__(self, name: str, array: NDArray[Any], low: float | None, high: float | None) -> None:
        super().__init__(name)
        self._array = array if array.ndim == 4 else array[..., None]  # (T, H, W, C)
        self._low, self._high = low, high

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[Image]:
        for values in self._array:
            yield self._grey(np.array(values))

    def _read(self, numbers: NDArray[np.int64]) -> Images:
        return self._grey(np.array(self._array[numbers]))

    def _grey(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        if self._low is None or self._high is None:
            return values
        grey = (values.astype(np.float64) - self._low) * (255 / (self._high - self._low))
        return np.nan_to_num(np.clip(np.rint(grey), 0, 255), nan=0).astype(np.uint8)


def load_array(path: Path, key: str) -> NDArray[Any]:
    """The array of an `.npy` file (memory-mapped), or the array `key` of an `.npz` file; read-only.

    The last arrays of `.npz` files are remembered, since many clips share one file. Nothing is unpickled.
    Raises `UnreadableClip` where there is none.
    """
    try:
        status = path.stat()
        if path.suffix.lower() == ".npz":
            return _load_npz(path, key, status.st_size, status.st_mtime_ns)
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except KeyError as error:
        raise UnreadableClip(
            f"{path}: holds no array named `{key}`, only {', '.join(error.args[0])}"
        ) from error
    except OSError as error:
        raise UnreadableClip(f"{path}: {reason_of(error)}") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        hint = "Python objects are never loaded" if "object" in str(error).lower() else "truncated or corrupt"
        raise UnreadableClip(
            f"{path}: not a readable array file ({hint}); write it with numpy.save or savez"
        ) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise UnreadableClip(f"{path}: is an .npz file by its content; give it that ending")
    return array


@lru_cache(maxsize=4)
def _load_npz(path: Path, key: str, size: int, mtime: int) -> NDArray[Any]:
    arrays = np.load(path, allow_pickle=False)
    if isinstance(arrays, np.ndarray):
        raise UnreadableClip(f"{path}: is an .npy file by its content; give it that ending")
    with arrays:
        if key not in arrays:
            raise KeyError(sorted(arrays))
        array = arrays[key]
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class MemoryFrames:
    """Frames in memory: (T, H, W) or (T, H, W, C) uint8, T >= 1, C = 1 or 3 (RGB). Equal where contents are.

    The array is not copied: do not change it afterwards. Raises `UnreadableClip` for another shape or type.
    """

    array: Images

    def __post_init__(self) -> None:
        array = np.asarray(self.array)
        if array.ndim == 3:
            array = array[..., None]
        if array.ndim != 4 or array.shape[3] not in (1, 3) or 0 in array.shape or array.dtype != np.uint8:
            raise UnreadableClip(
                "frames in memory must be uint8 of shape (T, H, W) or (T, H, W, 1 or 3), at least one frame; "
                f"got {np.asarray(self.array).dtype} {np.asarray(self.array).shape}"
            )
        object.__setattr__(self, "array", array)
        digest = hashlib.blake2b(repr(array.shape).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(array).data)
        object.__setattr__(self, "_digest", digest.hexdigest())

    @property
    def name(self) -> str:
        return f"array {self.fingerprint()[:8]} of {len(self.array)} frames"

    def fingerprint(self) -> str:
        """A digest of shape and content."""
        return self.__dict__["_digest"]

    def open(self) -> LoadedReader:
        return LoadedReader(self.name, self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemoryFrames) and self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        return hash(self.fingerprint())
