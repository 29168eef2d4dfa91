"""`farview record` of a live source: frames are written as they come."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import TIMEOUT_MAX, Event, Timer

from farview.console import say
from farview.deploy.live import steadily
from farview.deploy.record_settings import Settings
from farview.deploy.stop import stop_on_signal
from farview.errors import FarviewError, UnreadableClip
from farview.frames.camera import Camera
from farview.frames.reader import reason_of
from farview.frames.recorder import Origin, Recorder

GRACE = 1.0
"""Seconds after their time is over in which frames may still come; then a lost source is no longer waited for."""


def record_live(camera: Camera, path: Path, settings: Settings, quiet: bool = False) -> int:
    """Write frames as they come, until their time is over, the source ends, or Ctrl-C; returns their number.

    What was written stays, however this ends. Raises `UnreadableClip` where not one frame comes, and `FarviewError`
    where `path` cannot be written.
    """
    count, first, limit = 0, 0.0, settings.seconds or math.inf
    with stop_on_signal() as stop, ExitStack() as stack:
        show = stack.enter_context(_status(quiet))
        try:
            frames = steadily(camera, stop, say)
            stack.callback(frames.close)
            for moment, image in frames:
                frame = settings.elr(image, count)
                if count == 0:
                    first = moment
                    started = datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")
                    # At its first frame nobody knows the rate of a live source; its times will show it.
                    origin = Origin(settings.sensor, image.shape[0], image.shape[1], None, started=started)
                    file = stack.enter_context(path.open("xb", buffering=0))
                    recorder = stack.enter_context(Recorder(file, origin, frame.shape[2]))
                    stack.enter_context(_stopping(stop, limit + GRACE))
                if moment - first >= limit:
                    break
                recorder.add(frame, moment - first)
                count += 1
                show(f"{path}: {moment - first:.0f} s, {count} frames; Ctrl-C ends it")
            stack.close()  # completes the file here, where the disk's errors are named
            if count == 0 and not stop.is_set():
                raise UnreadableClip(f"{camera.name}: ended without a frame")
        except OSError as error:
            raise FarviewError(f"{path}: cannot be written: {reason_of(error)}") from error
    return count


@contextmanager
def _stopping(stop: Event, seconds: float) -> Iterator[None]:
    """Set `stop` in so many seconds, however few frames come until then."""
    timer = Timer(min(seconds, TIMEOUT_MAX), stop.set)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _status(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line on the terminal that each call replaces; nothing where standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("waiting for the first frame") as status:
        yield status.update
