"""eLR videos of one scene as other cameras would have seen it: made once, kept in files, read sample by sample."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from farview.data.batches import Key, sample_rng
from farview.data.clip import Clip
from farview.errors import FarviewError
from farview.frames.growing import GrowingArray, open_grown
from farview.frames.source import Images, Source
from farview.frames.store import FrameStore
from farview.rivals.isr import Transform, copy_of
from farview.rivals.streams import Stream, StreamFrames, Streams, flow_at, joined
from farview.training.recipe import Recipe, digest

TAIL = b"farview copies 1"
"""Ends a whole file; raise the number when copies come out differently."""


@dataclass(frozen=True)
class Copy:
    """One clip under one transform, in the file of all; indexed by frame numbers like an array (T, h, w, C)."""

    path: Path
    first: int
    """Row of the clip's first frame."""
    place: int
    """Of the transform."""

    def __getitem__(self, frames: NDArray[np.int64]) -> Images:
        return _opened(self.path)[self.first + frames, self.place]


@lru_cache(maxsize=8)
def _opened(path: Path) -> np.memmap:
    """The frames of all clips under all P transforms, (frames, P, h, w, C)."""
    found = open_grown(path, TAIL)
    if found is None:
        raise FarviewError(f"{path}: was removed or overwritten while it was read; start again")
    return found


class CopyStore:
    """A store of eLR frames, or of their flow, under one transform; it holds no frames in memory."""

    def __init__(self, path: Path, first: Mapping[Source, int], place: int, store: FrameStore) -> None:
        self._path, self._first, self._place, self._store = path, first, place, store

    def elr(self, source: Source) -> Copy:
        """The clip's frames."""
        return Copy(self._path, self._first[source], self._place)

    def length(self, source: Source) -> int:
        """Number of frames T."""
        return self._store.length(source)


def copy_stores(
    clips: Sequence[Clip],
    transforms: Sequence[Transform],
    streams: Sequence[Stream],
    store: FrameStore,
    recipe: Recipe,
    update: Callable[[int, int], None] | None = None,
) -> list[dict[Stream, CopyStore]]:
    """For each transform the store of every stream; what the recipe's folder `store` lacks is made first.

    `store` must have HR frames. A stream's file takes 2 or C bytes a pixel, frame and transform; flow is that of the
    copies. Raises FarviewError where it cannot be written.
    """
    sources = list(dict.fromkeys(clip.source for clip in clips))
    ends = np.cumsum([0, *(store.length(source) for source in sources)]).tolist()
    first = dict(zip(sources, ends, strict=False))
    paths = {stream: _path(sources, transforms, stream, recipe) for stream in streams}
    missing = {stream: path for stream, path in paths.items() if open_grown(path, TAIL) is None}
    if missing:
        try:
            _make(missing, sources, transforms, store, recipe, update)
        except OSError as error:
            raise FarviewError(
                f"{recipe.store}: copies cannot be stored here: {error.strerror or error}; make room or choose "
                "another folder"
            ) from error
    return [
        {stream: CopyStore(path, first, place, store) for stream, path in paths.items()}
        for place in range(len(transforms))
    ]


def _path(sources: Sequence[Source], transforms: Sequence[Transform], stream: Stream, recipe: Recipe) -> Path:
    """Named after all that the file depends on; where abandoned files of the frame store are tidied, too."""
    settings = [
        hashlib.sha256("".join(f"{each!r}\n{each.fingerprint()}\n" for each in sources).encode()).hexdigest(),
        list(transforms),
        recipe.input.size,
        recipe.input.sensor,
        recipe.input.flow if stream == "flow" else None,
    ]
    name = digest(settings)
    return Path(recipe.store).expanduser() / "copies" / name[:2] / f"{name}.npy"


def _make(
    paths: Mapping[Stream, Path],
    sources: Sequence[Source],
    transforms: Sequence[Transform],
    store: FrameStore,
    recipe: Recipe,
    update: Callable[[int, int], None] | None,
) -> None:
    """Write the file of each stream, clip by clip; they appear under their names when they are whole."""
    with ExitStack() as stack:
        files = {stream: stack.enter_context(GrowingArray(path)) for stream, path in paths.items()}
        for done, source in enumerate(sources, 1):
            copies = [copy_of(source, each, store, recipe.input.sensor) for each in transforms]
            for stream, file in files.items():
                seen = copies
                if stream == "flow":
                    seen = [flow_at(copy, range(len(copy)), recipe.input.flow) for copy in copies]
                for row in np.stack(seen, 1):  # (P, h, w, C)
                    file.append(row)
            if update is not None:
                update(done, len(sources))
        for file in files.values():
            file.finish(TAIL)


class CopiedFrames(Dataset):
    """Every clip `copies` times, one after the other: the first of `every` and others drawn at random."""

    def __init__(self, every: Sequence[StreamFrames], copies: int, seed: int) -> None:
        """`every` transform's samples of the same clips, in one order."""
        self.every, self.copies, self.seed = every, copies, seed
        self.clips = next(iter(every[0].parts.values())).clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitems__(self, keys: Sequence[Key]) -> Streams:
        """B * n samples; all copies of a clip show the same moments in the same geometry."""
        return joined([self.every[number].__getitems__([key]) for key in keys for number in self.chosen(key)])

    def chosen(self, key: Key) -> list[int]:
        """Places in `every` of a sample's copies: a function of (seed, epoch, clip)."""
        rng = sample_rng(self.seed, key[0], f"{self.clips[key[1]].id}/copies")
        return [0, *(1 + rng.permutation(len(self.every) - 1)[: self.copies - 1]).tolist()]
