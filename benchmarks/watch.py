"""How old the newest frame is when `farview watch` answers, and how many live cameras one process carries.

    python benchmarks/watch.py MODEL --cameras 1 16 64 256 512 [--seconds 20] [--hr clip.mp4]

Every camera gives 25 frames a second in a reader of its own; each is answered for once a second. Without `--hr` the
frames are eLR already (another machine made them so); with it each is a frame of that recording, H.264 at 340x256,
decoded and degraded here. Age: from the newest frame of a window to its answer, with up to 40 ms of waiting for cameras
whose windows end together. Load: processor time of the whole process by the clock.
"""

import argparse
import threading
import time
from collections.abc import Generator
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from farview.deploy.watch.cameras import watch_feeds
from farview.deploy.watch.feed import Feed
from farview.deploy.watch.setup import Report, Settings, set_up
from farview.frames.camera import Timed
from farview.frames.open import source_of
from farview.frames.source import Image
from farview.models.sight import seen_size

RATE = 25.0
HR = 340, 256


class StandIn:
    """A camera that gives a frame whenever it is due."""

    taken: float | None = None

    def __init__(self, number: int, frames: list[Image], clip: Path | None) -> None:
        self.number, self.ready, self.clip = number, frames, clip

    @property
    def name(self) -> str:
        return f"camera {self.number}"

    def frames(self) -> Generator[Timed]:
        """For ever."""
        began = time.monotonic() + (self.number * 0.618) % 1 / RATE  # no two cameras tick together
        for count, image in enumerate(self.images()):
            wait = began + count / RATE - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            yield None, image

    def images(self) -> Generator[Image]:
        """Made when they are due."""
        while self.clip is not None:
            with source_of(self.clip).open() as opened:
                yield from opened
        yield from cycle(self.ready)


def recoded(path: Path, folder: Path) -> Path:
    """The recording as H.264 at 340x256, 25 frames a second, a key frame each second, as a camera sends it."""
    made = folder / "camera.mp4"
    with av.open(str(path)) as source, av.open(str(made), "w") as target:
        stream = target.add_stream("libx264", rate=int(RATE), options={"preset": "veryfast", "g": "25"})
        stream.width, stream.height, stream.pix_fmt = *HR, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            plain = av.VideoFrame.from_ndarray(frame.to_ndarray(width=HR[0], height=HR[1], format="rgb24"))
            plain.pts = number
            target.mux(stream.encode(plain))
        target.mux(stream.encode())
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--hr", type=Path, help="a recording that every camera shows")
    options = parser.parse_args()
    setup = set_up(options.model, Settings(rate=RATE))
    print(setup.told())
    shape = *seen_size(setup.contract), setup.contract.channels
    ready = list(np.random.default_rng(0).integers(0, 256, (50, *shape), np.uint8))
    with TemporaryDirectory() as folder:
        clip = recoded(options.hr, Path(folder)) if options.hr else None
        for count in options.cameras:
            stop = threading.Event()
            capacity = setup.plan.length + setup.plan.hop
            feeds = [
                Feed(f"{i}", StandIn(i, ready, clip), setup.see, capacity, stop, print) for i in range(count)
            ]
            reports: list[Report] = []
            timer = threading.Timer(options.seconds + setup.plan.seconds, stop.set)
            timer.start()
            wall, work = time.monotonic(), time.process_time()
            watch_feeds(setup, feeds, stop, reports.append)
            share = (time.process_time() - work) / (time.monotonic() - wall)
            ages = np.array([report.age for report in reports if report.seconds > setup.plan.seconds + 1])
            late = sum(feed.dropped for feed in feeds), sum(r.skipped for r in last_of(reports))
            median, worst = np.quantile(ages, [0.5, 0.99]) * 1000
            print(
                f"{count:5} cameras  {len(reports):6} answers  age {median:5.0f} ms, 99th percentile {worst:5.0f} ms  "
                f"load {100 * share:4.0f} % of a core  frames dropped {late[0]}, decisions skipped {late[1]}",
                flush=True,
            )


def last_of(reports: list[Report]) -> list[Report]:
    """The newest report of every source."""
    return list({report.source: report for report in reports}.values())


if __name__ == "__main__":
    main()
