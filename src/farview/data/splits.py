"""Holding out clips for validation or testing: whole groups, evenly over the classes."""

from collections import Counter
from collections.abc import Container, Sequence
from zlib import crc32

import numpy as np

from farview.data.clip import Clip, DataSet

Clips = tuple[Clip, ...]
Counts = Counter[int | str | None]
"""Clips of each label, and of "all" labels together."""


def training_parts(data: DataSet, val_share: float, unreadable: Container[str]) -> tuple[Clips, Clips]:
    """What training learns from and what it holds out for validation, (train, val): the same whenever it is asked.

    `unreadable` has the names (`Source.name`) of the clips to leave out. A data set's own validation part is taken as
    it is, if any of it can be read; otherwise about `val_share` (0..1) of the readable training clips are held out.
    Of what is left no more than `data.per_class` clips of each class train.
    """
    train, val = readable(data.part("train"), unreadable), readable(data.part("val"), unreadable)
    if not val:
        train, val = hold_out(train, val_share, seed=0)
    return train if data.per_class is None else fewer(train, data.per_class), val


def fewer(clips: Sequence[Clip], per_class: int) -> Clips:
    """At most `per_class` clips of each class, in the given order.

    They are drawn by their ids, so that a smaller number keeps a part of a larger number's clips.
    """
    kept: set[str] = set()
    for label in {clip.label for clip in clips}:
        of_class = [clip.id for clip in clips if clip.label == label]
        kept.update(sorted(of_class, key=lambda name: (crc32(name.encode()), name))[:per_class])
    return tuple(clip for clip in clips if clip.id in kept)


def readable(clips: Sequence[Clip], unreadable: Container[str]) -> Clips:
    """The clips whose names are not among `unreadable`, in the given order."""
    return tuple(clip for clip in clips if clip.source.name not in unreadable)


def hold_out(clips: Sequence[Clip], share: float, seed: int) -> tuple[Clips, Clips]:
    """Divide `clips` into (kept, held out), about `share` (0..1) of them held out; both in the given order.

    If any clip has a group, whole groups are held out and never divided (a clip without one stands for
    itself); single clips otherwise. Classes give their share as nearly as whole groups allow, and no class
    loses its last clip in the kept part: where that forbids everything, the second part is empty. What is
    held out depends on `seed` and on the clips' ids, labels and groups, not on their order.
    """
    units: dict[tuple[bool, str], list[Clip]] = {}
    for clip in clips:
        units.setdefault((clip.group is None, clip.id if clip.group is None else clip.group), []).append(clip)
    names = sorted(units)
    counts = {name: count(units[name]) for name in names}
    total = count(clips)
    goal = quotas(total, share, seed)
    order = [names[i] for i in np.random.default_rng([seed, 0]).permutation(len(names))]
    held: Counts = Counter()
    chosen: set[tuple[bool, str]] = set()

    def allowed(name: tuple[bool, str]) -> bool:
        return all(held[label] + n < total[label] for label, n in counts[name].items())

    changed = True
    while changed:  # each change brings the held-out counts nearer to the goal, so this ends
        changed = False
        for name in order:
            sign = -1 if name in chosen else 1
            if growth(held, goal, counts[name], sign) < -1e-9 and (sign < 0 or allowed(name)):
                chosen ^= {name}
                held.update({label: sign * n for label, n in counts[name].items()})
                changed = True
    if not chosen and share > 0:  # even the best unit overshoots: better a few too many than none
        possible = [name for name in order if allowed(name)]
        chosen.update(sorted(possible, key=lambda name: growth(held, goal, counts[name], 1))[:1])
    out = {clip.id for name in chosen for clip in units[name]}
    return tuple(c for c in clips if c.id not in out), tuple(c for c in clips if c.id in out)


def count(clips: Sequence[Clip]) -> Counts:
    """Clips of each label, and of all."""
    result: Counts = Counter(clip.label for clip in clips)
    result["all"] = len(clips)
    return result


def quotas(total: Counts, share: float, seed: int) -> Counts:
    """Clips to hold out of each label: whole numbers whose sum is round(share * all), by largest remainder.

    At least one clip of each label stays; equal remainders are settled by `seed`.
    """
    labels = sorted((label for label in total if label != "all"), key=lambda x: -1 if x is None else int(x))
    goal: Counts = Counter({label: min(int(share * total[label]), total[label] - 1) for label in labels})
    order = np.random.default_rng([seed, 1]).permutation(len(labels))
    for i in sorted(order, key=lambda i: -(share * total[labels[i]] % 1)):
        if goal.total() < round(share * total["all"]) and goal[labels[i]] < total[labels[i]] - 1:
            goal[labels[i]] += 1
    goal["all"] = goal.total()
    return goal


def growth(held: Counts, goal: Counts, change: Counts, sign: int) -> float:
    """How much the miss grows when `change` is held out too (`sign` 1) or no longer (-1); below 0 is good.

    The miss is the sum of (held - goal)^2 / goal over the labels and over all clips together.
    """
    return sum(
        sign * n * (sign * n + 2 * (held[label] - goal[label])) / max(goal[label], 1)
        for label, n in change.items()
    )
