"""Decisions over sliding windows equal the full computation, at the cost of the new intervals alone."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from farview.deploy.runner import open_model
from farview.deploy.watch.grid import plan
from farview.deploy.watch.window import Window, decide
from farview.frames.flow import FlowConfig
from farview.frames.intervals import Intervals
from farview.frames.source import Images
from farview.models.recogniser import Recogniser
from tests.deploy.watch.models import elr_frames, save


class Counting:
    """A model that notes how many intervals each call computes."""

    def __init__(self, path: Path) -> None:
        self.runner, self.counts = open_model(path), list[int]()

    def features(self, frames: Images) -> NDArray[np.float32]:
        self.counts.append(len(frames))
        return self.runner.features(frames)

    def decide(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.runner.decide(features)


@pytest.mark.parametrize(
    ("backbone", "intervals"),
    [("resnet18", Intervals(3, 1, 1)), ("resnet18", Intervals(3, 2, 2)), ("r2plus1d18", Intervals(2, 3, 1))],
)
@pytest.mark.parametrize(("hop", "window"), [(0.4, None), (0.2, 1.2), (0.8, 1.2)])
def test_every_decision_equals_the_full_computation(
    tmp_path: Path, backbone: str, intervals: Intervals, hop: float, window: float | None
) -> None:
    path = save(tmp_path / "model.safetensors", backbone, intervals)
    engine, recogniser, frames = Counting(path), Recogniser(path), elr_frames(40)
    made = plan(intervals, 10.0, hop, window)
    seen = Window(made, intervals)
    decisions = []
    for number, frame in enumerate(frames):
        seen.put(number / 10, frame)
        start = seen.due()
        if start is None:
            continue
        assert start + made.length == number + 1
        full = recogniser.recognise(frames[start : start + made.length]).probabilities
        np.testing.assert_allclose(decide(engine, [(seen, start)])[0], full, rtol=1e-4, atol=1e-6)
        decisions.append(full)
    assert len(decisions) > 3 and np.ptp(decisions, axis=0).max() > 0.01  # windows do differ
    steady = engine.counts[made.distance // made.hop + 1 :] or engine.counts[-1:]
    assert max(steady) == min(max(1, made.hop // made.distance), intervals.count) and seen.skipped == 0


def test_models_that_see_flow(tmp_path: Path) -> None:
    intervals, config, frames = Intervals(3, 2, 1), FlowConfig(), elr_frames(30)
    path = save(tmp_path / "model.safetensors", flow=config)
    engine, recogniser = open_model(path), Recogniser(path)
    made = plan(intervals, 10.0, 0.4)
    window, decisions = Window(made, intervals, config), []
    for number, frame in enumerate(frames):
        window.put(number / 10, frame)
        if (start := window.due()) is not None:
            full = recogniser.recognise(frames[start : start + made.length]).probabilities
            np.testing.assert_allclose(decide(engine, [(window, start)])[0], full, rtol=1e-4, atol=1e-6)
            decisions.append(full)
    assert len(decisions) > 3 and np.ptp(decisions, axis=0).max() > 0.001


def test_several_sources_are_computed_together(tmp_path: Path) -> None:
    path = save(tmp_path / "model.safetensors")
    engine, intervals = Counting(path), Intervals(3, 2, 1)
    made = plan(intervals, 10.0, 0.2)
    windows, alone = [], []
    for seed in range(3):
        frames = elr_frames(made.length, seed)
        window = Window(made, intervals)
        for number, frame in enumerate(frames):
            window.put(number / 10, frame)
        windows.append((window, 0))
        alone.append(Recogniser(path).recognise(frames).probabilities)
    np.testing.assert_allclose(decide(engine, windows), alone, rtol=1e-4, atol=1e-6)
    assert engine.counts == [9]


def test_late_decisions_are_left_out_and_counted(tmp_path: Path) -> None:
    path = save(tmp_path / "model.safetensors")
    engine, intervals, frames = Counting(path), Intervals(3, 2, 1), elr_frames(40)
    made = plan(intervals, 10.0, 0.4)  # a window of 13 frames, a hop of 4
    window = Window(made, intervals)
    for number in range(26):
        window.put(number / 10, frames[number])
    assert window.due() == 12  # 0, 4 and 8 were due as well
    full = Recogniser(path).recognise(frames[12:25]).probabilities
    np.testing.assert_allclose(decide(engine, [(window, 12)])[0], full, rtol=1e-4, atol=1e-6)
    assert window.skipped == 3 and window.due() is None


def test_after_a_pause_windows_begin_anew_at_a_multiple_of_the_hop(tmp_path: Path) -> None:
    path = save(tmp_path / "model.safetensors")
    engine, intervals = open_model(path), Intervals(3, 2, 1)
    frames = elr_frames(60)
    made = plan(intervals, 10.0, 0.4)
    window = Window(made, intervals)
    for number in range(13):
        window.put(number / 10, frames[number])
    decide(engine, [(window, 0)])
    window.fresh = False
    for number in range(41, 60):
        window.put(number / 10, frames[number])
        if window.due() is not None:
            break
    assert window.due() == 44 and number == 56 and window.fresh and window.skipped == 0
    full = Recogniser(path).recognise(frames[44:57]).probabilities
    np.testing.assert_allclose(decide(engine, [(window, 44)])[0], full, rtol=1e-4, atol=1e-6)


def test_a_recording_shorter_than_a_window(tmp_path: Path) -> None:
    path = save(tmp_path / "model.safetensors")
    intervals, frames = Intervals(3, 2, 1), elr_frames(2)
    window = Window(plan(intervals, 10.0, 1.0), intervals)
    for number, frame in enumerate(frames):
        window.put(number / 10, frame)
    assert window.due() is None
    window.shorten()
    assert window.due() == 0
    full = Recogniser(path).recognise(frames).probabilities
    np.testing.assert_allclose(decide(open_model(path), [(window, 0)])[0], full, rtol=1e-4, atol=1e-6)
