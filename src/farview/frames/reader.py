"""What every opened recording shares: index checks, closing, and readers of frames that lie in memory or on disk."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from farview.errors import UnreadableClip
from farview.frames.sensor import SensorModel
from farview.frames.source import Image, Images


class Reader(ABC):
    """An opened recording; obeys `farview.frames.source.Frames`."""

    fps: float | None = None
    """Frames per second as the recording states it; None where it states none."""
    sensor: SensorModel | None = None
    """What made the frames, where they are known to be eLR frames already."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Image]: ...

    @abstractmethod
    def _read(self, numbers: NDArray[np.int64]) -> Images:
        """Frames at `numbers` (checked, any order, repeats, perhaps none), (N, H, W, C)."""

    def read(self, indices: Sequence[int] | NDArray[np.integer]) -> Images:
        """Frames at `indices` (any order, repeats allowed), (N, H, W, C) uint8.

        Raises IndexError outside 0..len-1 and `UnreadableClip` where decoding fails.
        """
        numbers = np.asarray(indices if len(indices) else np.zeros(0, np.int64))
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise TypeError(f"frame numbers must be a flat list of integers, not {indices!r}")
        for number in numbers:
            if not 0 <= number < len(self):
                raise IndexError(f"{self.name}: frame {number} is outside 0..{len(self) - 1}")
        return self._read(numbers.astype(np.int64))

    def close(self) -> None:  # noqa: B027 - most have nothing to free
        """Free what is open; reading afterwards is an error. Closing twice is not."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LoadedReader(Reader):
    """Frames that are an array already, (T, H, W, C) uint8, T >= 1."""

    def __init__(self, name: str, images: Images) -> None:
        super().__init__(name)
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[Image]:
        return iter(self._images)

    def _read(self, numbers: NDArray[np.int64]) -> Images:
        return self._images[numbers]


def file_fingerprint(path: Path, *settings: object) -> str:
    """Text that changes with a file's size, its modification time and `settings` (anything with a plain repr).

    Raises `UnreadableClip` where the file is missing.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableClip(f"{path}: {reason_of(error)}") from error
    return "-".join([str(status.st_size), str(status.st_mtime_ns), *map(repr, settings)])


def reason_of(error: OSError) -> str:
    """An operating system's error without its number and file name."""
    return "no such file or folder" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
