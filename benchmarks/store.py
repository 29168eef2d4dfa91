"""Speed of building the frame store against bare PyAV decoding of the same files.

    OMP_NUM_THREADS=1 python benchmarks/store.py FOLDER [--files 6] [--repeats 5]

All figures are CPU milliseconds a frame, medians over repeats in which the contestants take turns: what "per core"
means even on a busy machine. `decode` is PyAV decoding alone; `rgb` decodes to RGB arrays by
`frame.to_ndarray(format="rgb24")`; `rgb*` does so with one reformatter for the whole file and its default threads.
The ratios are `rgb` / store: 1 means that storing costs nothing beside decoding; the aim is 0.8. Last come wall-clock
seconds of the whole set by one and by two processes.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from farview.frames.resize import hr_frames
from farview.frames.sensor import SensorModel
from farview.frames.store import FrameStore
from farview.frames.video import VideoFile

SIZES = {"64x85": (64, 85), "256x340": (256, 340)}


def decode(path: Path, convert: Callable[[av.VideoFrame], object] | None = None) -> int:
    """Every frame of a video through `convert`, on one thread; the number of frames."""
    count = 0
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            if convert is not None:
                convert(frame)
            count += 1
    return count


def build(path: Path, hr_size: tuple[int, int] | None) -> None:
    """Store one video in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        unreadable = FrameStore(Path(folder), SensorModel(), hr_size).build([VideoFile(path)])
    assert not unreadable, unreadable


def contestants(path: Path) -> dict[str, Callable[[], object]]:
    kept = VideoReformatter()
    ways: dict[str, Callable[[], object]] = {
        "decode": lambda: decode(path),
        "rgb": lambda: decode(path, lambda frame: frame.to_ndarray(format="rgb24")),
        "rgb*": lambda: decode(path, lambda frame: kept.reformat(frame, format="rgb24").to_ndarray()),
        "elr": lambda: build(path, None),
    }
    return ways | {name: lambda size=size: build(path, size) for name, size in SIZES.items()}


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds, all threads of this process."""
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def medians(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    for work in ways.values():
        work()
    rounds = [{name: cpu_ms(work) for name, work in ways.items()} for _ in range(repeats)]
    return {name: statistics.median(r[name] for r in rounds) for name in ways}


def compare(paths: Sequence[Path], repeats: int) -> None:
    names = ["decode", "rgb", "rgb*", "elr", *SIZES]
    print(f"{'file':28}{'pixels':>10}" + "".join(f"{n:>9}" for n in names), end="")
    print("".join(f"{'rgb/' + n:>13}" for n in ("elr", *SIZES)))
    totals = dict.fromkeys(names, 0.0)
    for path in paths:
        with VideoFile(path).open() as frames:
            height, width = next(iter(frames)).shape[:2]
        count = decode(path)
        ms = {name: value / count for name, value in medians(contestants(path), repeats).items()}
        for name in names:
            totals[name] += ms[name]
        row(f"{path.name[:27]:28}{width:>5}x{height:<4}", ms, names)
    row(f"{'all, each file alike':38}", {n: totals[n] / len(paths) for n in names}, names)


def row(head: str, ms: dict[str, float], names: Sequence[str]) -> None:
    print(head + "".join(f"{ms[n]:>9.2f}" for n in names), end="")
    print("".join(f"{ms['rgb'] / ms[n]:>13.2f}" for n in ("elr", *SIZES)), flush=True)


def floor(repeats: int) -> None:
    """The sensor and HR resizing beside reading a frame's window once (a copy, which also writes it)."""
    print("\nCPU ms a frame:       copy of the window   sensor" + "".join(f"{'HR ' + n:>12}" for n in SIZES))
    sensor = SensorModel()
    for height, width in ((240, 320), (360, 640), (720, 1280), (1080, 1920)):
        frames = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
        side = (width - 4 * height // 3) // 2
        window = frames[:, :, side : width - side]
        ways: dict[str, Callable[[], object]] = {
            "copy": lambda window=window: [window.copy() for _ in range(10)],
            "sensor": lambda frames=frames: [sensor.degrade(frames, [0]) for _ in range(10)],
        }
        for name, size in SIZES.items():
            ways[name] = lambda frames=frames, size=size: [hr_frames(frames, size, (3, 4)) for _ in range(10)]
        ms = medians(ways, repeats)
        print(f"{width:>10}x{height:<4}{ms['copy'] / 10:>26.2f}{ms['sensor'] / 10:>9.2f}", end="")
        print("".join(f"{ms[n] / 10:>12.2f}" for n in SIZES))


def scaling(paths: Sequence[Path]) -> None:
    """Wall-clock seconds of the whole set, start of the processes included."""
    sources = [VideoFile(path) for path in paths]
    seconds = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            FrameStore(Path(folder), SensorModel(), SIZES["64x85"]).build(sources, workers)
            seconds[workers] = time.perf_counter() - start
    print(
        f"\n{len(paths)} files, HR 64x85, wall clock: 1 process {seconds[1]:.2f} s, 2 processes {seconds[2]:.2f} s"
    )
    print(f"  (load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--files", type=int, default=6, help="how many, spread over the sorted list by size in bytes"
    )
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    found = [
        p for p in given.folder.rglob("*") if p.suffix.lower() in (".mp4", ".avi", ".mkv", ".webm", ".mov")
    ]
    found.sort(key=lambda path: path.stat().st_size)
    if not found:
        raise SystemExit(f"{given.folder}: no videos below this folder")
    chosen = [found[i] for i in np.unique(np.linspace(0, len(found) - 1, given.files).astype(int))]
    compare(chosen, given.repeats)
    floor(given.repeats)
    scaling(found[:: max(1, len(found) // 24)])


if __name__ == "__main__":
    main()
