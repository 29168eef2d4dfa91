"""Optical flow: known displacements, nothing moving, levels and back, and what the frame store keeps of it."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.errors import FarviewError
from farview.frames.arrays import ArrayFrames
from farview.frames.flow import STILL, FlowConfig, FlowKind, flow, motion, quantised
from farview.frames.resize import hr_frames
from farview.frames.sensor import SensorModel
from farview.frames.store import FrameStore

KINDS = ("dis", "tvl1")
SENSOR = SensorModel(12, 16)


def scene(height: int, width: int, channels: int = 1) -> np.ndarray:
    """A smooth random picture."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (height // 6 + 2, width // 6 + 2, channels), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, channels)


def moving(shift: tuple[int, int], frames: int, size: tuple[int, int], channels: int = 1) -> np.ndarray:
    """Frames (T, H, W, C) of a scene that moves by `shift` (right, down) pixels a frame."""
    margin = frames * max(map(abs, shift))
    large = scene(size[0] + 2 * margin, size[1] + 2 * margin, channels)
    places = [(margin - t * shift[1], margin - t * shift[0]) for t in range(frames)]
    return np.stack([large[y : y + size[0], x : x + size[1]] for y, x in places])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_known_displacement_is_found(kind: FlowKind, channels: int) -> None:
    before, frame = moving((3, -1), 2, (64, 85), channels)
    levels = flow(before, frame, FlowConfig(kind))
    found = motion(levels, 20 * 85 / 340)[8:-8, 8:-8].reshape(-1, 2)
    assert levels.shape == (64, 85, 2) and levels.dtype == np.uint8
    assert np.median(found, 0) == pytest.approx([3, -1], abs=0.05)
    assert np.abs(found - [3, -1]).mean() < 0.25


@pytest.mark.parametrize("kind", KINDS)
def test_hr_and_elr_frames_of_a_scene_have_the_same_levels(kind: FlowKind) -> None:
    """A motion of 10 pixels in frames of 192x256 is 0.625 of a pixel at 12x16: less than a pixel is found, too."""
    large = cv2.GaussianBlur(scene(300, 400), (0, 0), 12)[..., None]
    frames = np.stack([large[50:242, 60 - 10 * t : 316 - 10 * t] for t in range(2)])
    frames = cv2.normalize(frames, None, 0, 255, cv2.NORM_MINMAX)
    elr = replace(SENSOR, noise=0.0).degrade(frames, [0, 1])
    expected = STILL + 127 * 10 / (20 * 256 / 340)
    for pair, edge in ((frames, 16), (elr, 2)):
        levels = flow(pair[0], pair[1], FlowConfig(kind))[edge:-edge, edge:-edge]
        assert np.median(levels[..., 0]) == pytest.approx(expected, abs=4)
        assert np.median(levels[..., 1]) == pytest.approx(STILL, abs=4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(12, 16), (64, 85)])
def test_nothing_moves_in_a_constant_video(kind: FlowKind, size: tuple[int, int]) -> None:
    for frame in (np.full((*size, 1), 90, np.uint8), scene(*size, 3)):
        assert (flow(frame, frame, FlowConfig(kind)) == STILL).all()
        assert (flow(None, frame, FlowConfig(kind)) == STILL).all()


def test_flow_does_not_depend_on_the_number_of_threads() -> None:
    before, frame = moving((2, 1), 2, (96, 128))
    usual = cv2.getNumThreads()
    try:
        found = []
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            found.append(flow(before, frame, FlowConfig("dis")))
    finally:
        cv2.setNumThreads(usual)
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_levels_and_back() -> None:
    pixels = np.linspace(-5, 5, 1001)
    levels = quantised(pixels, bound=5.0)
    assert np.abs(motion(levels, 5.0) - pixels).max() <= 5 / 254 + 1e-6
    assert (levels[0], levels[500], levels[-1]) == (1, 128, 255)
    assert np.array_equal(quantised(-pixels, 5.0), (256 - levels.astype(int)).astype(np.uint8))
    assert quantised(np.array([-80.0, 80.0]), 5.0).tolist() == [1, 255]  # clipped


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"kind": "farneback"}, "input.flow.kind is 'farneback'"), ({"bound": 0}, "input.flow.bound is 0")],
)
def test_wrong_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(FarviewError, match=message):
        FlowConfig(**settings)


@pytest.fixture
def source(tmp_path: Path) -> ArrayFrames:
    np.save(tmp_path / "clip.npy", moving((4, 2), 5, (48, 64), 3))
    return ArrayFrames(tmp_path / "clip.npy")


def test_the_store_keeps_the_flow_of_hr_and_elr_frames(tmp_path: Path, source: ArrayFrames) -> None:
    config = FlowConfig()
    store = FrameStore(tmp_path / "store", SENSOR, (24, 32), flow=config)
    assert store.build([source]) == {}
    with source.open() as opened:
        frames = np.stack(list(opened))
    seen = {"hr": hr_frames(frames, (24, 32), (3, 4)), "elr": SENSOR.degrade(frames, range(5))}
    for name, stored in (("hr", store.hr(source)), ("elr", store.elr(source))):
        of = seen[name]
        expected = [flow(of[t - 1] if t else None, of[t], config) for t in range(5)]
        assert np.array_equal(stored, np.stack(expected)) and stored.shape[-1] == 2
    assert store.length(source) == 5


def test_each_setting_is_stored_once_and_by_itself(tmp_path: Path, source: ArrayFrames, monkeypatch) -> None:
    stores = [
        FrameStore(tmp_path / "store", SENSOR, None, flow=config)
        for config in (None, FlowConfig(), FlowConfig(bound=10), FlowConfig("tvl1"))
    ]
    first = [store.elr(source) for store in stores]
    assert first[0].shape[-1] == 3 and len({array.tobytes() for array in first}) == 4
    monkeypatch.setattr(ArrayFrames, "open", None)  # nothing is read again
    for store, array in zip(stores, first, strict=True):
        assert np.array_equal(store.elr(source), array)


SCRIPT = """
import sys
from pathlib import Path
from farview.frames.arrays import ArrayFrames
from farview.frames.flow import FlowConfig
from farview.frames.sensor import SensorModel
from farview.frames.store import FrameStore
folder = Path(sys.argv[1])
sources = [ArrayFrames(path) for path in sorted(folder.glob("*.npy"))]
FrameStore(folder / "store", SensorModel(12, 16), None, flow=FlowConfig("tvl1")).build(sources, workers=2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9")
def test_a_killed_build_goes_on_where_it_was(tmp_path: Path) -> None:
    for number in range(8):
        np.save(tmp_path / f"{number}.npy", moving((number % 3, 1), 6, (48, 64)))
    sources = [ArrayFrames(tmp_path / f"{number}.npy") for number in range(8)]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, tmp_path])

    def stored() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.npy")}

    until = time.monotonic() + 60
    while len(stored()) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = stored()
    assert 2 <= len(before) < 8
    calls: list[tuple[int, int]] = []
    store = FrameStore(tmp_path / "store", SENSOR, None, flow=FlowConfig("tvl1"))
    assert store.build(sources, progress=lambda done, every: calls.append((done, every))) == {}
    assert calls[0][0] >= len(before) and calls[-1] == (8, 8)
    after = stored()
    assert len(after) == 8 and before.items() <= after.items()  # what was there is not made again
