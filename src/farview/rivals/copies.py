"""eLR videos of one scene as other cameras would have seen it: made once, kept in files, read sample by sample.

A file holds one clip under all transforms in one stream, below a folder named after all else that it depends on. It
ends with a digest of its source's fingerprint, as those of the frame store do.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from farview.data.batches import Key, sample_rng
from farview.data.clip import Clip
from farview.errors import FarviewError
from farview.frames.growing import GrowingArray, open_grown
from farview.frames.source import Images, Source
from farview.frames.store import VERSION as OF_FRAMES
from farview.frames.store import FrameStore, shelved
from farview.frames.temporary import remove_abandoned
from farview.frames.workers import in_processes, stopping
from farview.rivals.isr import Transform, copy_of
from farview.rivals.streams import Stream, StreamFrames, Streams, flow_at, joined
from farview.training.data import open_store
from farview.training.recipe import Recipe, digest

VERSION = 2
"""Raise it when copies come out differently: everything stored before is then made again."""


@dataclass(frozen=True)
class Copy:
    """One clip under one transform; indexed by frame numbers like an array (T, h, w, C)."""

    path: Path
    """Of the file with all of the clip's copies."""
    stamp: bytes
    """What it ends with."""
    place: int
    """Of the transform."""

    def __getitem__(self, frames: NDArray[np.int64]) -> Images:
        return _opened(self.path, self.stamp)[frames, self.place]


@lru_cache(maxsize=8)
def _opened(path: Path, stamp: bytes) -> np.memmap:
    """A clip's frames under all P transforms, (T, P, h, w, C)."""
    found = open_grown(path, stamp)
    if found is None:
        raise FarviewError(f"{path}: was removed or overwritten while it was read; start again")
    return found


class CopyStore:
    """A store of eLR frames, or of their flow, under one transform; it holds no frames in memory."""

    def __init__(self, folder: Path, place: int, store: FrameStore) -> None:
        self._folder, self._place, self._store = folder, place, store

    def elr(self, source: Source) -> Copy:
        """The clip's frames."""
        return Copy(shelved(self._folder, source), _stamp(source), self._place)

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
    """For each transform the store of every stream; what the recipe's folder `store` lacks of the clips is made first.

    `recipe.machine.decoders` processes make it, clip by clip, so that a call that was cut is gone on with. Clips must
    have HR frames. A stream's file takes 2 or C bytes a pixel, frame and transform; flow is that of the copies. Raises
    FarviewError where it cannot be written, UnreadableClip.
    """
    folders = {stream: _folder(transforms, stream, recipe) for stream in streams}
    sources = list(dict.fromkeys(clip.source for clip in clips))
    missing = [source for source in sources if any(_lacks(folder, source) for folder in folders.values())]
    try:
        made = chain([None], _made(missing, folders, transforms, recipe))
        for done, _ in enumerate(made, len(sources) - len(missing)):
            if update is not None:
                update(done, len(sources))
    except OSError as error:
        raise FarviewError(
            f"{recipe.store}: copies cannot be stored here: {error.strerror or error}; make room or choose "
            "another folder"
        ) from error
    return [
        {stream: CopyStore(folder, place, store) for stream, folder in folders.items()}
        for place in range(len(transforms))
    ]


def _folder(transforms: Sequence[Transform], stream: Stream, recipe: Recipe) -> Path:
    """Named after all that its files depend on beside their sources."""
    seen, motion = recipe.input, recipe.input.flow if stream == "flow" else None
    name = digest([VERSION, OF_FRAMES, list(transforms), seen.size, seen.sensor, motion])
    return Path(recipe.store).expanduser() / "copies" / name


def _stamp(source: Source) -> bytes:
    """What a file made from `source` as it is now ends with."""
    return hashlib.sha256(f"farview copies\n{source.fingerprint()}".encode()).digest()


def _lacks(folder: Path, source: Source) -> bool:
    return open_grown(shelved(folder, source), _stamp(source)) is None


def _made(
    sources: Sequence[Source],
    folders: Mapping[Stream, Path],
    transforms: Sequence[Transform],
    recipe: Recipe,
) -> Iterator[Source]:
    """Each source when its files are there."""
    if not sources:
        return
    remove_abandoned((Path(recipe.store).expanduser() / "copies").glob("*/*/.*.tmp"))
    work = partial(_make, folders=folders, transforms=transforms, recipe=recipe)
    workers = recipe.machine.decoders
    if workers <= 1 or len(sources) == 1:
        for source in sources:
            work(source)
            yield source
        return
    for source, whole in in_processes(work, sources, workers):
        if whole is None:
            raise FarviewError(
                f"{source.name}: the process that made its eLR copies was killed (out of memory?)"
            )
        yield source


def _make(
    source: Source, folders: Mapping[Stream, Path], transforms: Sequence[Transform], recipe: Recipe
) -> bool:
    """Write the file of each stream that is not there; they appear under their names when they are whole."""
    stamp = _stamp(source)  # before reading: should the source change, the copies are stale
    seen, store = recipe.input, open_store(replace(recipe, phases=("teacher", "student")))
    copies = []
    for transform in transforms:
        if stopping():
            raise KeyboardInterrupt
        copies.append(copy_of(source, transform, store, seen.sensor))
    with ExitStack() as stack:
        files = []
        for stream, folder in folders.items():
            if not _lacks(folder, source):
                continue
            shown = copies
            if stream == "flow":
                shown = [flow_at(copy, range(len(copy)), seen.flow) for copy in copies]
            files.append(stack.enter_context(GrowingArray(shelved(folder, source))))
            for row in np.stack(shown, 1):  # (P, h, w, C)
                files[-1].append(row)
        for file in files:
            file.finish(stamp)
    return True


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
