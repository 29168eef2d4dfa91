"""Which clips show the same frames, whatever kinds of data set name them."""

import os
from collections.abc import Iterable, Sequence

from farview.data.clip import Clip
from farview.frames.segment import Segment
from farview.frames.source import Source


def apart(clips: Sequence[Clip], others: Iterable[Clip]) -> tuple[Clip, ...]:
    """Those of `clips` that share no frame with any of `others`, in the given order."""
    taken: dict[str, list[tuple[int, float]]] = {}
    for clip in others:
        where, start, stop = stretch(clip.source)
        taken.setdefault(where, []).append((start, stop))

    def shares(clip: Clip) -> bool:
        where, start, stop = stretch(clip.source)
        return any(start < end and begin < stop for begin, end in taken.get(where, ()))

    return tuple(clip for clip in clips if not shares(clip))


def stretch(source: Source) -> tuple[str, int, float]:
    """The recording that a source's frames lie in, the first of them and the one after the last (inf: to its end)."""
    whole = source.source if isinstance(source, Segment) else source
    path = getattr(whole, "path", None)  # links and other spellings of one path are the same recording
    stop = getattr(source, "stop", None)
    where = whole.name if path is None else os.path.realpath(path)
    return where, getattr(source, "start", 0), float("inf") if stop is None else stop
