"""A long recording made of a data set's test clips, with its labelled spans: to try `farview watch` on.

    python benchmarks/streams.py MODEL folder:/data/fights --background normal --out runs/stream
    farview evaluate runs/stream/model.safetensors --stream runs/stream/spans.csv --hop 0.5

One class of the data stands for background, and the copy of the model that is written beside the recording calls it so.
Several of its clips, then one with an action, and so on, in a drawn order; frames keep the times of their clips.
"""

import csv
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from farview.data.clip import Clip, DataSet
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.spans import BACKGROUND, COLUMNS
from farview.frames.recorder import Origin, Recorder
from farview.frames.times import timed
from farview.models.contract import Contract
from farview.models.model_file import load_model, save_model
from farview.models.sight import see

RATE = 25.0


def arranged(data: DataSet, background: str, between: int, seed: int) -> list[Clip]:
    """The test clips of the background, after every `between` of them one with an action."""
    clips = data.part("test")
    drawn = [clips[i] for i in np.random.default_rng(seed).permutation(len(clips))]
    quiet = [clip for clip in drawn if data.classes[clip.label or 0] == background]
    acting = [clip for clip in drawn if data.classes[clip.label or 0] != background]
    made = []
    for number, clip in enumerate(quiet, 1):
        made.append(clip)
        if number % between == 0 and number < len(quiet) and acting:
            made.append(acting.pop())
    return made


def join(path: Path, clips: Sequence[Clip], contract: Contract) -> list[float]:
    """Write what the model's camera sees of the clips, one after the other; when each begins, and when all end."""
    assert contract.sensor is not None
    origin = Origin(contract.sensor, contract.sensor.height, contract.sensor.width, RATE)
    begins = [0.0]
    with path.open("wb", buffering=0) as file, Recorder(file, origin, contract.channels) as recorder:
        for clip in clips:
            with clip.source.open() as frames:
                for number, (moment, image) in enumerate(timed(frames, RATE)):
                    recorder.add(see(image[None], np.array([number]), contract)[0], begins[-1] + moment)
                begins.append(begins[-1] + moment + 1 / (frames.fps or RATE))
    return begins


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data", help="kind:folder")
    parser.add_argument("--background", required=True, help="the class that stands for it")
    parser.add_argument("--between", type=int, default=3, help="clips of background from action to action")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="runs/stream")
    options = parser.parse_args()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    network, contract = load_model(options.model)
    names = tuple(BACKGROUND if name == options.background else name for name in contract.classes)
    save_model(out / "model.safetensors", network, replace(contract, classes=names))
    data = open_data(DataConfig(options.data))
    clips = arranged(data, options.background, options.between, options.seed)
    begins = join(out / "stream.mkv", clips, contract)
    labels = [data.classes[clip.label or 0] for clip in clips]
    rows = [
        ("stream.mkv", f"{start:.3f}", f"{end:.3f}", label)
        for start, end, label in zip(begins, begins[1:], labels, strict=False)
        if label != options.background
    ]
    with (out / "spans.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    print(f"{out}/stream.mkv: {len(clips)} clips, {len(rows)} of them with an action, {begins[-1]:.1f} s")


if __name__ == "__main__":
    main()
