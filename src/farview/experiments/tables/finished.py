"""What the folders of a finished cell hold: scores, figures, cost, speed; of a network, of two streams, of a rival."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from farview.experiments.tables.engine import Planned
from farview.frames.arrays import MemoryFrames
from farview.models.contract import read_contract
from farview.models.cost import cost_of
from farview.training.fusion import added
from farview.training.phases import MODEL, PREDICTIONS, write_json
from farview.training.recipe import Phase
from farview.training.scores import Scores, read_scores

CLIPS, SPEED = 5, "speed.json"


def facts(model: Path, rival: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was measured of a model file, and how it was trained."""
    if rival:
        from farview.rivals.pot_file import read_description

        text = read_description(model)
        return text["accuracy"], text["trained"]
    contract = read_contract(model)
    return contract.accuracy, contract.trained


def scores(item: Planned, phase: Phase, part: str) -> Scores:
    """Probabilities of a phase's test or validation clips, of two streams fused."""
    return fused([stream.folders[phase] for stream in item.streams], part, item.cell.recipe.fusion)


def fused(folders: Sequence[Path], part: str, weights: Sequence[float]) -> Scores:
    """Probabilities of one phase's folder, or of several streams' added with `weights`."""
    read = [read_scores(folder / f"{part}-{PREDICTIONS}") for folder in folders]
    return read[0] if len(read) == 1 else added(read, weights)


def cost(item: Planned) -> tuple[int, int]:
    """Multiply-adds of a video and parameters, all streams together."""
    phase = item.cell.row.phase
    if item.cell.row.rival is not None:
        from farview.rivals.network_file import load

        model = load(item.folders[phase] / MODEL)
        return model.multiply_adds, model.parameters
    counted = [cost_of(read_contract(stream.folders[phase] / MODEL)) for stream in item.streams]
    return sum(each.video for each in counted), sum(each.parameters_total for each in counted)


def seconds_a_clip(item: Planned) -> float:
    """From eLR frames in memory to scores, flow included, one clip at a time: all streams together.

    The median over up to `CLIPS` clips after a first one, on this machine as busy as it is; measured once and kept
    beside the model.
    """
    return sum(_seconds(item, stream) for stream in item.streams)


def _seconds(item: Planned, stream: Planned) -> float:
    kept = stream.folders[item.cell.row.phase] / SPEED
    if kept.is_file():
        return float(json.loads(kept.read_text())["seconds_a_clip"])
    listed = (item.clips.test or item.clips.val)[:CLIPS]
    videos = [item.clips.store.elr(clip.source) for clip in listed]  # of the frames, not of the flow
    model = stream.folders[item.cell.row.phase] / MODEL
    if item.cell.row.rival is not None:
        from farview.rivals.network_file import load

        rival = load(model)
        times = [_timed(lambda video: rival.logits([video]), video) for video in (videos[0], *videos)]
    else:
        from farview.models.recogniser import Recogniser

        network = Recogniser(model)
        times = [
            _timed(lambda video: network.recognise(MemoryFrames(video)), video)
            for video in (videos[0], *videos)
        ]
    seconds = round(float(np.median(times[1:])), 6)
    write_json(kept, {"seconds_a_clip": seconds, "clips": len(videos)})
    return seconds


def _timed(work: Any, video: np.ndarray) -> float:
    started = time.perf_counter()
    work(video)
    return time.perf_counter() - started
