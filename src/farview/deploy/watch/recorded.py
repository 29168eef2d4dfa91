"""Watching a recording: every frame, as fast as it goes, with the times of the recording."""

import time
from collections.abc import Iterator

from farview.deploy.watch.setup import Report, Setup
from farview.deploy.watch.window import decide
from farview.errors import FarviewError, UnreadableClip
from farview.frames.source import Source
from farview.frames.times import timed
from farview.models.sight import refuse


def watch_recording(setup: Setup, source: Source) -> Iterator[Report]:
    """A report for every hop; one over all that there is for a recording shorter than a window.

    Recordings that state no times have the grid's rate. Raises `UnreadableClip`.
    """
    channel = setup.channel(source.name)
    window, reports = channel.window, 0

    def report(start: int) -> Report:
        began = time.perf_counter()
        answer = channel.answer(decide(setup.runner, [(window, start)])[0])
        seconds = (start + window.plan.length - 1) / setup.plan.rate
        return Report(source.name, seconds, answer, (time.perf_counter() - began) / setup.hop)

    with source.open() as opened:
        refuse(opened, source.name, setup.contract)
        try:
            for number, (moment, image) in enumerate(timed(opened, setup.plan.rate)):
                window.put(moment, setup.see(image, number))
                if (start := window.due()) is not None:
                    reports += 1
                    yield report(start)
        except FarviewError as error:
            raise UnreadableClip(f"{source.name}: {str(error).removeprefix(f'{source.name}: ')}") from None
    if not reports:
        window.shorten()
        if (start := window.due()) is not None:
            yield report(start)
