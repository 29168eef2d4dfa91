"""eLR clips a second from the frame store against decoding them each time.

    python benchmarks/loader.py FOLDER [--rounds 5] [--limit 12]

FOLDER is a data set of kind `folder`. Both ways give the same batches of 8 intervals x 1 frame at 12x16; figures
are medians over the rounds of processor time, taken in turn in one process. Floor: 20 times as many clips a second.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from farview.data.batches import ClipFrames, EpochBatches, loader
from farview.data.clip import Clip
from farview.data.config import AugmentConfig, DataConfig
from farview.data.datasets import open_data
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.frames.store import FrameStore


def decode_each(clips: list[Clip], sensor: SensorModel, intervals: Intervals) -> None:
    """What a loader without a store does for one epoch."""
    rng = np.random.default_rng(0)
    for clip in clips:
        with clip.source.open() as frames:
            chosen = intervals.indices(len(frames), rng).ravel()
            sensor.degrade(frames.read(chosen), chosen.tolist())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=12, help="clips")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sensor, intervals = SensorModel(), Intervals(8, 1)
    clips = list(open_data(DataConfig(f"folder:{options.folder}")).clips)[: options.limit]
    with tempfile.TemporaryDirectory() as folder:
        store = FrameStore(Path(folder), sensor, None)
        store.build([clip.source for clip in clips])
        data = ClipFrames(clips, store, intervals, hr=False, elr=True, augment=AugmentConfig())
        times: dict[str, list[float]] = {"store": [], "decoding": []}
        for _ in range(options.rounds):
            start = time.process_time()
            for _ in range(20):
                for batch in loader(data, EpochBatches(len(clips), 8, train=False)):
                    assert batch.elr is not None
            times["store"].append((time.process_time() - start) / 20 / len(clips))
            start = time.process_time()
            decode_each(clips, sensor, intervals)
            times["decoding"].append((time.process_time() - start) / len(clips))
    store_time, decode_time = (statistics.median(times[name]) for name in ("store", "decoding"))
    print(f"store     {1 / store_time:10.0f} clips/s")
    print(f"decoding  {1 / decode_time:10.1f} clips/s")
    print(f"ratio     {decode_time / store_time:10.0f} (floor 20)")


if __name__ == "__main__":
    main()
