"""Which clips come together, and that samples depend on (seed, epoch, clip) alone."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from farview.data.augment import as_video
from farview.data.batches import Batch, ClipFrames, EpochBatches, loader
from farview.data.clip import Clip
from farview.data.config import AugmentConfig
from farview.frames.arrays import MemoryFrames
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.frames.store import FrameStore


def epoch(batches: EpochBatches, number: int) -> list[list[tuple[int, int]]]:
    batches.sampler.set_epoch(number)
    return list(batches)


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 3), st.integers(1, 3))
def test_ranks_share_the_batches_of_one_process(clips: int, batch: int, number: int, world: int) -> None:
    batch *= world
    if clips < world:
        return
    ranks = [epoch(EpochBatches(clips, batch, rank=r, world=world), number) for r in range(world)]
    alone = epoch(EpochBatches(clips, batch, rank=0, world=1), number)
    merged = [sorted(itertools.chain(*parts)) for parts in zip(*ranks, strict=True)]
    assert len({len(part) for rank in ranks for part in rank}) == 1  # no rank waits for another
    if clips >= batch:
        assert merged == [sorted(part) for part in alone]
    seen = [index for part in merged for _, index in part]
    assert len(seen) == len(set(seen))


@given(st.integers(1, 40), st.integers(1, 12))
def test_testing_takes_every_clip_once_in_order(clips: int, batch: int) -> None:
    parts = epoch(EpochBatches(clips, batch, train=False), 0)
    assert [index for part in parts for _, index in part] == list(range(clips))
    assert len(parts) == len(EpochBatches(clips, batch, train=False))


@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 4))
def test_ranks_that_test_take_as_many_batches(clips: int, batch: int, world: int) -> None:
    ranks = [epoch(EpochBatches(clips, batch, train=False, rank=r, world=world), 0) for r in range(world)]
    assert len({len(rank) for rank in ranks}) == 1
    taken = [index for rank in ranks for part in rank for _, index in part]
    assert sorted(taken) == list(range(clips))


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 8))
def test_an_epoch_is_whole_groups(clips: int, batch: int, group: int) -> None:
    batches = EpochBatches(clips, batch, group=group)
    whole = clips // min(batch, clips)  # batches
    assert batches.group == min(group, whole) and len(batches) % batches.group == 0
    assert len(batches) == (whole // group * group or whole)


def test_order_is_a_function_of_seed_and_epoch() -> None:
    assert epoch(EpochBatches(20, 4, seed=1), 3) == epoch(EpochBatches(20, 4, seed=1), 3)
    assert epoch(EpochBatches(20, 4, seed=1), 3) != epoch(EpochBatches(20, 4, seed=1), 4)
    assert epoch(EpochBatches(20, 4, seed=1), 3) != epoch(EpochBatches(20, 4, seed=2), 3)


def test_pool_is_walked_through_evenly() -> None:
    batches = EpochBatches(24, 8, pool=10, pool_share=0.5)
    assert len(batches) == 6
    counts = np.zeros(10, int)
    for number in range(5):
        for part in epoch(batches, number):
            pool = [index - 24 for _, index in part if index >= 24]
            assert len(pool) == 4 and len(part) == 8
            np.add.at(counts, pool, 1)
    assert counts.sum() == 120 and (counts == 12).all()


@pytest.fixture
def samples(tmp_path: Path) -> ClipFrames:
    rng = np.random.default_rng(0)
    clips = [
        Clip(
            f"clip{i}",
            MemoryFrames(rng.integers(0, 256, (5 + 7 * i, 24, 32, 1), dtype=np.uint8)),
            i % 2,
            "train",
        )
        for i in range(5)
    ]
    store = FrameStore(tmp_path, SensorModel(6, 8), (24, 32))
    return ClipFrames(clips, store, Intervals(3, 2), hr=True, elr=True, augment=AugmentConfig(), seed=4)


def test_a_sample_does_not_depend_on_its_company(samples: ClipFrames) -> None:
    together = samples.__getitems__([(7, 0), (7, 3), (7, 4)])
    alone = samples[(7, 3)]
    for name in ("labels", "hr", "elr", "geometry", "gain"):
        assert torch.equal(getattr(together, name)[1:2], getattr(alone, name)), name
    assert not torch.equal(samples[(8, 3)].geometry, alone.geometry)  # type: ignore[arg-type]


def test_a_batch_of_no_clips_is_empty(samples: ClipFrames) -> None:
    empty = samples.__getitems__([])
    assert empty.clips == [] and len(empty.labels) == 0 and empty.hr is None and empty.elr is None


def test_workers_change_nothing(samples: ClipFrames) -> None:
    batches = EpochBatches(5, 2, seed=1)
    here = list(loader(samples, batches))
    there = list(loader(samples, batches, workers=2))
    assert [b.clips for b in here] == [b.clips for b in there]
    assert all(
        torch.equal(a.hr, b.hr) and torch.equal(a.geometry, b.geometry)
        for a, b in zip(here, there, strict=True)
    )


def test_shapes_and_shared_geometry(samples: ClipFrames) -> None:
    batch = samples.__getitems__([(0, 1), (0, 2)])
    assert batch.hr is not None and batch.hr.shape == (2, 3, 2, 24, 32, 1)
    assert batch.elr is not None and batch.elr.shape == (2, 3, 2, 6, 8, 1)
    hr, elr = batch.videos((24, 32))
    assert hr is not None and elr is not None
    assert hr.shape == elr.shape == (2, 3, 1, 2, 24, 32)


def noisy(tmp_path: Path, frames: np.ndarray, fresh: bool = True) -> ClipFrames:
    sensor = SensorModel(6, 8, noise=16.0)
    clip = Clip("clip", MemoryFrames(frames), 0, "train")
    store = FrameStore(tmp_path, sensor, None, noiseless=fresh)
    augment = AugmentConfig(fresh_noise=fresh)
    return ClipFrames(
        [clip], store, Intervals(8, 4), hr=False, elr=True, augment=augment, seed=4, sensor=sensor
    )


def test_fresh_noise_is_the_sensors_and_new_in_every_epoch(tmp_path: Path) -> None:
    grey = np.full((3, 24, 32, 1), 120, np.uint8)  # intervals repeat the frames of so short a clip
    samples = noisy(tmp_path, grey)
    first, again, other = (samples[(epoch, 0)].elr for epoch in (1, 1, 2))
    assert first is not None and again is not None and other is not None
    assert torch.equal(first, again) and not torch.equal(first, other)
    seen = torch.stack([samples[(epoch, 0)].elr for epoch in range(60)]).double()  # type: ignore[misc]
    assert seen.mean().item() == pytest.approx(120, abs=0.5)
    assert seen.std().item() == pytest.approx(16, rel=0.03)
    assert len(torch.unique(first.flatten(1, 2)[0], dim=0)) <= 3  # a repeated frame is the same frame


def test_without_fresh_noise_an_epoch_shows_what_is_stored(tmp_path: Path) -> None:
    samples = noisy(tmp_path, np.full((32, 24, 32, 1), 120, np.uint8), fresh=False)
    shown = samples[(1, 0)].elr
    assert shown is not None
    stored = {frame.tobytes() for frame in samples.store.elr(samples.clips[0].source)}
    assert {frame.numpy().tobytes() for frame in shown.flatten(0, 2)} <= stored


def test_an_elr_recording_keeps_its_own_noise(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (32, 6, 8, 1), dtype=np.uint8)
    shown = noisy(tmp_path, frames)[(1, 0)].elr
    assert shown is not None
    assert {frame.numpy().tobytes() for frame in shown.flatten(0, 2)} <= {f.tobytes() for f in frames}


def test_validation_draws_no_noise(tmp_path: Path) -> None:
    samples = noisy(tmp_path, np.full((32, 24, 32, 1), 120, np.uint8))
    samples.augment = None
    assert torch.equal(samples[(1, 0)].elr, samples[(2, 0)].elr)  # type: ignore[arg-type]


def test_every_size_shows_the_same_part_of_the_scene() -> None:
    """A ramp from left to right, mirrored and cropped: its levels are those of the places, whatever the size."""
    ramp = (10 * torch.arange(16)).to(torch.uint8).expand(1, 1, 1, 12, 16)[..., None]  # 5 at x = 1/32 less
    geometry = torch.tensor([[[-0.5, 0, 0.2], [0, 0.5, -0.1]]])
    batch = Batch(["a"], torch.tensor([0]), None, ramp, geometry, None)
    for height, width in ((12, 16), (24, 32), (48, 64)):
        seen = batch.elr_video((height, width))
        assert (
            seen is not None and seen.shape == (1, 1, 1, 1, height, width) and batch.hr_video((2, 2)) is None
        )
        places = (2 * torch.arange(width) + 1) / width - 1  # centres of the pixels in -1..1
        levels = 80 * (0.2 - 0.5 * places) + 75  # of the ramp, -80 to 80 about its middle
        torch.testing.assert_close(seen[0, 0, 0, 0], levels.expand(height, width), atol=1e-3, rtol=0)


STILL = {"flip": False, "scale": (1.0, 1.0)}


def anew(folder: Path, frames: np.ndarray, noise: float, **varied: Any) -> ClipFrames:
    """Samples whose eLR frames are made anew of varied HR ones."""
    sensor = SensorModel(6, 8, blur=0.4, noise=noise)
    store = FrameStore(folder, sensor, (24, 32))
    augment = AugmentConfig(fresh_elr=True, **{**STILL, **varied})
    clip = Clip("clip", MemoryFrames(frames), 0, "train")
    return ClipFrames(
        [clip], store, Intervals(2, 2), hr=False, elr=True, augment=augment, seed=4, sensor=sensor
    )


def elr_of(samples: ClipFrames, epoch: int) -> torch.Tensor:
    seen = samples.__getitems__([(epoch, 0)]).elr_video((6, 8))
    assert seen is not None
    return seen


def test_fresh_elr_of_a_scene_that_does_not_vary_is_the_stored_one(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (1, 24, 32, 3), dtype=np.uint8)
    samples = anew(tmp_path, frames, noise=0)
    stored = as_video(torch.from_numpy(samples.store.elr(samples.clips[0].source))[None, None])
    assert torch.equal(elr_of(samples, 3), stored.expand(1, 2, 3, 2, 6, 8))  # one frame, repeated


def test_fresh_elr_is_what_the_sensor_sees_of_the_varied_scene(tmp_path: Path) -> None:
    """A mirrored and darker scene through the sensor itself."""
    frames = np.random.default_rng(2).integers(0, 200, (1, 24, 32, 1), dtype=np.uint8)
    samples = anew(tmp_path, frames, noise=0, flip=True, gain=0.5)
    batches = [samples.__getitems__([(epoch, 0)]) for epoch in range(12)]
    mirrored = [batch.geometry[0, 0, 0].item() < 0 for batch in batches]  # type: ignore[index]
    assert len(set(mirrored)) == 2
    for batch, flip in zip(batches, mirrored, strict=True):
        assert batch.gain is not None
        scene = np.clip((frames[:, :, ::-1] if flip else frames) * float(batch.gain[0]), 0, 255)
        rows, columns = SensorModel(6, 8, blur=0.4).matrices(24, 32)
        expected = np.rint(np.einsum("hy,nyxc,wx->nchw", rows, scene, columns))  # (1, C, h, w)
        seen = batch.elr_video((6, 8))
        assert seen is not None
        shown = seen[0, 0].transpose(0, 1).numpy()  # (T, C, h, w)
        assert abs(shown - expected).max() <= 1 and (shown == expected).mean() > 0.99


def test_fresh_elr_has_the_sensors_noise_in_every_epoch_anew(tmp_path: Path) -> None:
    samples = anew(tmp_path, np.full((3, 24, 32, 1), 120, np.uint8), noise=16)
    assert torch.equal(elr_of(samples, 1), elr_of(samples, 1))
    assert not torch.equal(elr_of(samples, 1), elr_of(samples, 2))
    seen = torch.stack([elr_of(samples, epoch) for epoch in range(80)]).double()
    assert seen.mean().item() == pytest.approx(120, abs=0.5)
    assert seen.std().item() == pytest.approx(16, rel=0.03)


def test_a_repeated_frame_has_one_fresh_noise(tmp_path: Path) -> None:
    samples = anew(tmp_path, np.full((1, 24, 32, 1), 120, np.uint8), noise=16)
    seen = elr_of(samples, 0)
    assert torch.equal(seen[:, 0, :, 0], seen[:, 1, :, 1])


def test_testing_sees_the_stored_elr_frames(tmp_path: Path) -> None:
    samples = anew(tmp_path, np.full((1, 24, 32, 1), 120, np.uint8), noise=16)
    testing = ClipFrames(samples.clips, samples.store, samples.intervals, hr=False, elr=True)
    stored = as_video(torch.from_numpy(samples.store.elr(samples.clips[0].source))[None, None])
    assert torch.equal(elr_of(testing, 0), stored.expand(1, 2, 1, 2, 6, 8))
