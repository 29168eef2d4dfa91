"""How much of bare PyAV's decoding speed the video reader keeps.

    python benchmarks/read.py FOLDER [--rounds 5] [--limit 12]

Every way of reading takes each video of the folder once a round, one after the other in one process on one thread;
figures are medians over the rounds of processor time (which other processes do not disturb) and ratios of them.
The floor: iterating runs at 0.8 or more of bare decoding with conversion to RGB.

glibc gives the memory of each freed frame back to the system or not, as chance has it, which moves single figures by
up to a factor of two. `MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_MMAP_THRESHOLD_=33554432` before the command keeps
it, and shows the work alone.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from farview.frames.video import VideoFile

SUFFIXES = (".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v", ".mpg")


def bare(path: Path, rgb: bool) -> None:
    """What PyAV takes at least: decode on one thread and, with `rgb`, convert every frame."""
    reformatter = VideoReformatter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            if rgb:
                reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()


def naive(path: Path) -> None:
    """What PyAV's documentation shows: threads and conversion at their defaults."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            frame.to_ndarray(format="rgb24")


def iterate(path: Path) -> None:
    with VideoFile(path).open() as frames:
        for _ in frames:
            pass


def sparse(path: Path) -> None:
    """The middles of eight equal segments."""
    with VideoFile(path).open() as frames:
        frames.read(((np.arange(8) + 0.5) * len(frames) / 8).astype(int))


WAYS: dict[str, Callable[[Path], None]] = {
    "bare decoding": lambda path: bare(path, rgb=False),
    "bare decoding and RGB": lambda path: bare(path, rgb=True),
    "naive decoding and RGB": naive,
    "VideoFile, every frame": iterate,
    "VideoFile, 8 frames": sparse,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=12, help="videos, spread evenly over the folder")
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        parser.error(f"{options.folder}: holds no videos ({', '.join(SUFFIXES)})")
    paths = [paths[n] for n in np.linspace(0, len(paths) - 1, min(options.limit, len(paths))).astype(int)]

    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way, read in WAYS.items():
            start = time.process_time()
            for path in paths:
                read(path)
            times[way].append(time.process_time() - start)
    count = 0
    for path in paths:
        with VideoFile(path).open() as frames:
            count += sum(1 for _ in frames)
    print(f"{len(paths)} videos, {count} frames, {options.rounds} rounds, processor time")
    floor = statistics.median(times["bare decoding and RGB"])
    for way, seconds in times.items():
        median = statistics.median(seconds)
        print(
            f"{way:24} {1000 * median / len(paths):8.1f} ms/video {floor / median:6.2f} x bare decoding and RGB"
        )


if __name__ == "__main__":
    main()
