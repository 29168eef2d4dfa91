"""A folder that fills with images, as a live source."""

import os
import stat
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from farview.errors import FarviewError, UnreadableClip
from farview.frames.camera import Timed
from farview.frames.images import is_image, natural_order, read_image
from farview.frames.reader import reason_of

POLL = 0.2
"""Least seconds between looks at the folder."""

Stamp = tuple[int, int]
"""When a file was written last (nanoseconds), and its bytes."""


@dataclass
class FillingFolder:
    """A folder into which images are put: each is a frame, from now on, in natural order.

    An image counts once two looks have found it the same, and again whenever it is written anew. One that cannot be
    read, or for whose size (height, width) `refuse` raises `FarviewError`, is passed over, and `said`.
    """

    path: Path
    said: Callable[[str], None]
    refuse: Callable[[int, int], None] = lambda height, width: None
    taken: float | None = None

    @property
    def name(self) -> str:
        return str(self.path)

    def frames(self) -> Generator[Timed]:
        done = self._look()
        if done:
            self.said(f"{self.path}: {len(done)} images are there already; frames are those that come")
        found: dict[str, Stamp] = {}
        told: set[str] = set()
        while True:
            began = time.monotonic()
            before, found = found, self._look()
            done = {name: stamp for name, stamp in done.items() if name in found}
            told &= found.keys()
            new = [name for name, stamp in found.items() if stamp == before.get(name) != done.get(name)]
            spent = time.monotonic() - began
            for name in sorted(new, key=natural_order):
                done[name] = found[name]
                try:
                    image = read_image(self.path / name)
                    self.refuse(*image.shape[:2])
                    yield None, image
                except FarviewError as error:
                    reason = str(error).removeprefix(f"{self.path / name}: ")
                    if name not in told and (self.path / name).exists():
                        told.add(name)
                        self.said(f"{self.path / name}: {reason}")
            time.sleep(
                max(POLL, spent)
            )  # of a folder of very many files, at most half the time is looked for

    def _look(self) -> dict[str, Stamp]:
        """The images that are there and not empty. Raises `UnreadableClip` where the folder cannot be listed."""
        found = {}
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if is_image(entry.name):
                        try:
                            status = entry.stat()
                        except OSError:  # removed meanwhile
                            continue
                        if stat.S_ISREG(status.st_mode) and status.st_size:
                            found[entry.name] = status.st_mtime_ns, status.st_size
        except OSError as error:
            raise UnreadableClip(f"{self.path}: {reason_of(error)}") from error
        return found
