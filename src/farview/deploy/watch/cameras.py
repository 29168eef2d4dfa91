"""Watching cameras, one or many: what is due together is computed together, and nobody waits for anybody."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

import numpy as np
from numpy.typing import NDArray

from farview.deploy.watch.feed import Feed
from farview.deploy.watch.setup import Channel, Report, Setup
from farview.deploy.watch.window import decide

POLL = 0.04
"""Seconds between looks at the feeds: by how much frames of one moment may come apart and be computed together."""

SILENT = 10.0
"""Seconds without a frame that are worth a word."""
PARTING = 1.0
"""Seconds in which readers may let their cameras go in the end."""


@dataclass
class Watched:
    """A feed, its channel and how it stands."""

    feed: Feed
    channel: Channel
    newest: float | None = None
    """Time of the newest frame that was taken, monotonic seconds."""
    silent: bool = False
    """Whether that was too long ago."""

    def take(self, origin: float) -> int | None:
        """Take what came; the first slot of a window that is due, if one is."""
        for moment, image in self.feed.take():
            self.channel.window.put(moment - origin, image)
            self.newest = moment
        return self.channel.window.due()

    def mind(self, origin: float) -> None:
        """Say once when a source that has not ended gives no frames."""
        silent = time.monotonic() - (origin if self.newest is None else self.newest)
        if silent > SILENT and not self.silent and not self.feed.ended:
            self.feed.said(f"{self.feed.camera.name}: no frames for {silent:.0f} s")
        self.silent = silent > SILENT


class Load:
    """Share of the last `hop` seconds that was spent computing, 1 and more where there is no time left."""

    def __init__(self, hop: float) -> None:
        self._hop = hop
        self._spent: deque[tuple[float, float]] = deque()

    def add(self, now: float, seconds: float) -> float:
        """After `seconds` of computing that ended at the time `now`."""
        self._spent.append((now, seconds))
        while now - self._spent[0][0] >= self._hop:
            self._spent.popleft()
        return sum(spent for _, spent in self._spent) / self._hop


def watch_feeds(
    setup: Setup,
    feeds: Sequence[Feed],
    stop: Event,
    tell: Callable[[Report], None],
    look: Callable[[Sequence[Watched]], None] = lambda watched: None,
) -> None:
    """Start the feeds and tell every answer until all have ended or `stop` is set, which it is in the end; `look` is
    called now and then."""
    origin = time.monotonic()
    watched = [Watched(feed, setup.channel(feed.name)) for feed in feeds]
    load = Load(setup.hop)
    for feed in feeds:
        feed.start()
    going = True
    while going and not stop.is_set():
        going = not all(feed.ended for feed in feeds)  # before the last look
        ready = [(each, start) for each in watched if (start := each.take(origin)) is not None]
        if ready:
            began = time.monotonic()
            decisions = decide(setup.runner, [(each.channel.window, start) for each, start in ready])
            now = time.monotonic()
            share = load.add(now, now - began)
            for (each, _), probabilities in zip(ready, decisions, strict=True):
                tell(report_of(each, probabilities, share, now, origin))
        for each in watched:
            each.mind(origin)
        look(watched)
        if going:
            stop.wait(min(POLL, setup.hop / 4))
    stop.set()
    until = time.monotonic() + PARTING
    for feed in feeds:
        feed.join(max(0.0, until - time.monotonic()))


def report_of(
    each: Watched, probabilities: NDArray[np.floating], load: float, now: float, origin: float
) -> Report:
    """What to tell of a decision (classes,) made at the time `now`."""
    assert each.newest is not None
    taken = time.time() - (time.monotonic() - each.newest)
    return Report(
        each.channel.name,
        each.newest - origin,
        each.channel.answer(probabilities),
        load,
        datetime.fromtimestamp(taken, UTC).astimezone().isoformat(timespec="milliseconds"),
        now - each.newest,
        each.feed.dropped,
        each.channel.window.skipped,
    )
