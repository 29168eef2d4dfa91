"""A source that goes on by itself: read in a thread of its own, of which only the newest frames are kept."""

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

from farview.deploy.live import steadily
from farview.errors import FarviewError, UnreadableClip
from farview.frames.camera import Camera, Pace, Timed, camera_of
from farview.frames.filling import FillingFolder
from farview.frames.haste import LATE, SHOWN
from farview.frames.source import Image, Source
from farview.frames.times import timed
from farview.models.contract import Contract
from farview.models.sight import described, refuse


class Feed:
    """Frames of one camera as `take` finds them; HR frames are turned into what the model sees at once.

    The reader never waits for who takes: of more than `capacity` frames the oldest are dropped and counted.
    """

    def __init__(
        self,
        name: str,
        camera: Camera,
        see: Callable[[Image, int], Image],
        capacity: int,
        stop: threading.Event,
        said: Callable[[str], None],
        patient: bool = False,
    ) -> None:
        """`said` is told why a camera was lost. `patient`: one that was not there at first is waited for as well,
        and `said` is told why it ended."""
        self.name, self.camera = name, camera
        self.dropped = 0
        self.error: FarviewError | None = None
        """Why it ended, if not by itself."""
        self.said = said
        self._see, self._stop, self._patient = see, stop, patient
        self._frames: deque[tuple[float, Image]] = deque(maxlen=capacity)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether no more frames will come."""
        return not self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Wait for the reader, that its camera be let go; only for so long, since a stalled one never ends."""
        self._thread.join(seconds)

    def take(self) -> list[tuple[float, Image]]:
        """(time on the monotonic clock in seconds, frame (h, w, C) as the model sees it), new since the last call."""
        with self._lock:
            frames = list(self._frames)
            self._frames.clear()
        return frames

    def _run(self) -> None:
        number = -1
        try:
            frames = steadily(self.camera, self._stop, self.said, self._patient)
            with closing(frames):
                for number, (moment, image) in enumerate(frames):
                    self.camera.taken = moment
                    frame = self._see(image, number)
                    with self._lock:
                        self.dropped += len(self._frames) == self._frames.maxlen
                        self._frames.append((moment, frame))
            if number < 0 and not self._stop.is_set():
                raise FarviewError(f"{self.camera.name}: ended without a frame")
        except FarviewError as error:
            self.error = error
        except Exception as error:  # whatever a decoder or a driver does
            self.error = FarviewError(f"{self.camera.name}: {type(error).__name__}: {error}")
        if self.error is not None and self._patient:
            self.said(str(self.error))


class Played:
    """A recording that plays at its own speed, as a camera would."""

    def __init__(self, source: Source, contract: Contract, rate: float) -> None:
        """`rate` in frames per second, for recordings that state no times."""
        self.source, self.contract, self.rate = source, contract, rate
        self.taken: float | None = None

    @property
    def name(self) -> str:
        return self.source.name

    def frames(self) -> Generator[Timed]:
        """Each frame when it is due; of those that are late one a second. Raises `UnreadableClip`."""
        with self.source.open() as opened:
            try:
                refuse(opened, self.name, self.contract)
            except UnreadableClip as error:
                raise FarviewError(str(error)) from None  # no later attempt could do better
            pace, given = Pace(), -math.inf
            for moment, image in _once(timed(opened, self.rate)):
                if pace.wait(moment) < LATE or moment - given >= SHOWN:
                    given = moment
                    yield moment, image


def _once(frames: Iterator[tuple[float, Image]]) -> Iterator[tuple[float, Image]]:
    """A recording that breaks off is not begun again, as a camera that is lost would be."""
    try:
        yield from frames
    except UnreadableClip as error:
        raise FarviewError(str(error)) from None


def live_source(text: str, contract: Contract, rate: float, said: Callable[[str], None]) -> Camera:
    """What goes on by itself: a camera, an address, a folder that fills, a recording that plays.

    `said` is told which images of a folder are passed over. Raises `UnreadableClip` where `text` is none of
    these.
    """
    camera = camera_of(text)
    if camera is not None:
        return camera
    if Path(text).is_dir():
        folder = FillingFolder(Path(text), said)
        if contract.resolution == "elr" and contract.sensor is not None:
            folder.refuse = contract.sensor.refuse
        return folder
    return Played(described(text, contract.trained), contract, rate)
