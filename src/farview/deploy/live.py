"""A live source for as long as it is wanted: connected again where it was lost, with back-off."""

import time
from collections.abc import Callable, Generator
from threading import Event

from farview.deploy.clock import Clock
from farview.errors import UnreadableClip
from farview.frames.camera import Camera
from farview.frames.source import Image

SHORTEST, LONGEST = 1.0, 60.0
"""Seconds before the next attempt to connect: doubled with each that fails."""


def steadily(
    camera: Camera, stop: Event, said: Callable[[str], None], patient: bool = False
) -> Generator[tuple[float, Image]]:
    """Frames with the time at which they were taken (seconds, monotonic), until `stop` is set or the source ends.

    Once a frame has come, the source is connected again whenever it is lost; `said` is told why. Before that,
    `UnreadableClip` is raised unless `patient`: a name may be wrong.
    """
    delay = SHORTEST
    while not stop.is_set():
        clock = Clock()
        frames = camera.frames()
        try:
            for stated, image in frames:
                if stop.is_set():
                    return
                patient, delay = True, SHORTEST
                yield clock.place(stated, time.monotonic()), image
            return
        except UnreadableClip as error:
            if stop.is_set():
                return
            if not patient:
                raise
            said(f"{error}; next attempt in {delay:.0f} s")
        finally:
            frames.close()
        stop.wait(delay)
        delay = min(2 * delay, LONGEST)
