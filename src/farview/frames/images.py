"""A folder of images as a recording."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageOps

from farview.errors import UnreadableClip
from farview.frames.reader import Reader, reason_of
from farview.frames.source import Image, Images

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".webp")

_GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16L", "I;16B")
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_EXIF_ORIENTATION, _EXIF_TRANSPOSED = 0x0112, (5, 6, 7, 8)


@dataclass(frozen=True)
class ImageFolder:
    """The images of one folder in natural order (img2 before img10); other and hidden files are ignored.

    All must have one size. They are grey (C = 1) if every one is, RGB otherwise; transparency is dropped and
    the EXIF orientation applied. 16-bit images become 8 bit by round(v / 257), which takes 0..65535 to 0..255
    whatever the image holds; give darker scales (depth in mm, raw thermal) as arrays with `low` and `high`.
    """

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def files(self) -> list[Path]:
        """Raises `UnreadableClip` where the folder is missing or holds no image."""
        files = image_files(self.path)
        if not files:
            raise UnreadableClip(f"{self.path}: holds no images ({', '.join(s[1:] for s in SUFFIXES)})")
        return files

    def fingerprint(self) -> str:
        """Changes with the names, sizes and times of the images. Raises `UnreadableClip` as `files` does."""
        images = ((file.name, file.stat()) for file in self.files())
        stats = [(name, status.st_size, status.st_mtime_ns) for name, status in images]
        return hashlib.blake2b(repr(stats).encode(), digest_size=16).hexdigest()

    def open(self) -> Reader:
        """Reads the headers only. Raises `UnreadableClip` naming the first image that is unreadable or odd."""
        return _ImageReader(self.path, self.files())


def read_image(file: Path) -> Image:
    """One image, (H, W, C), as `ImageFolder` reads it. Raises `UnreadableClip`."""
    return _ImageReader(file.parent, [file]).read([0])[0]


def image_files(folder: Path) -> list[Path]:
    """Images of a folder in natural order. Raises `UnreadableClip` where it cannot be listed."""
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise UnreadableClip(f"{folder}: {reason_of(error)}") from error
    files = [entry for entry in entries if is_image(entry.name) and entry.is_file()]
    return sorted(files, key=lambda file: natural_order(file.name))


def is_image(name: str) -> bool:
    """Whether a file of that name is taken for an image; hidden ones are not."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorting key: runs of digits by their value, other text by its letters without case."""
    parts = re.findall(r"(\d+)|(\D+)", name)
    return [(int(digits), "") if digits else (-1, text.lower()) for digits, text in parts], name


class _ImageReader(Reader):
    def __init__(self, folder: Path, files: list[Path]) -> None:
        super().__init__(str(folder))
        self._files = files
        headers = [_header(file) for file in files]
        self._size = headers[0][:2]
        for file, (height, width, _) in zip(files, headers, strict=True):
            if (height, width) != self._size:
                raise UnreadableClip(
                    f"{file}: is {width}x{height}, but {files[0].name} is {self._size[1]}x{self._size[0]}; "
                    "images of one recording must have one size"
                )
        self._channels = 1 if all(grey for *_, grey in headers) else 3

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[Image]:
        return map(self._image, self._files)

    def _read(self, numbers: NDArray[np.int64]) -> Images:
        images = np.empty((len(numbers), *self._size, self._channels), np.uint8)
        for n, number in enumerate(numbers):
            images[n] = self._image(self._files[number])
        return images

    def _image(self, file: Path) -> Image:
        with _opened(file) as image:
            if image.mode.startswith("I"):  # 16 bit
                grey = np.rint(np.asarray(image, np.float32) / 257).clip(0, 255)
                image = PillowImage.fromarray(grey.astype(np.uint8))
            elif image.mode not in _MODES:
                raise UnreadableClip(
                    f"{file}: has pixels of mode {image.mode}; expected 8 or 16 bit grey or colour"
                )
            upright = ImageOps.exif_transpose(image)
            pixels = np.asarray(upright.convert("L" if self._channels == 1 else "RGB"))
        if pixels.shape[:2] != self._size:
            raise UnreadableClip(f"{file}: its size is no longer {self._size[1]}x{self._size[0]}")
        return pixels.reshape(*self._size, self._channels)


@contextmanager
def _opened(file: Path) -> Iterator[PillowImage.Image]:
    try:
        with PillowImage.open(file) as image:
            yield image
    except UnreadableClip:
        raise
    except Exception as error:  # Pillow's readers raise OSError, SyntaxError, struct.error and more
        raise UnreadableClip(
            f"{file}: the image is truncated, corrupt or none at all; replace or remove it"
        ) from error


def _header(file: Path) -> tuple[int, int, bool]:
    """Height and width when upright, and whether it is grey; decodes nothing."""
    with _opened(file) as image:
        turned = image.getexif().get(_EXIF_ORIENTATION) in _EXIF_TRANSPOSED
        width, height = image.size[::-1] if turned else image.size
        return height, width, image.mode in _GREY_MODES
