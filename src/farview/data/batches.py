"""Clips to batches. What a sample looks like depends on (seed, epoch, clip) alone, never on worker or rank."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from farview.data.augment import as_video, enlarge, sample_gain, sample_geometry, warp, warp_flow
from farview.data.clip import Clip
from farview.data.config import AugmentConfig
from farview.data.sense import sense
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from farview.frames.store import FrameStore

Key = tuple[int, int]
"""(epoch, index of the clip): what the sampler asks the clips for."""


@dataclass
class Batch:
    """B videos of K intervals of T frames; `hr` or `elr` is None where the phase does not need it."""

    clips: list[str]
    """Ids, in order."""
    labels: Tensor
    """(B,) int64; -1 for clips of an unlabeled pool."""
    hr: Tensor | None
    """(B, K, T, H, W, C) uint8; C = 2 is flow, here and in `elr`."""
    elr: Tensor | None
    """(B, K, T, h, w, C) uint8."""
    geometry: Tensor | None
    """(B, 2, 3) float32, or None in validation and testing."""
    gain: Tensor | None
    """(B,) float32, or None in validation and testing."""
    noise: Tensor | None = None
    """(B, K, T, h, w, C) float32 grey levels where `sensor` makes the eLR video of the varied `hr`; else None."""
    sensor: SensorModel | None = None

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """The same batch on `device`."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked memory; PyTorch's loader calls this."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        moved: dict[str, Any] = {
            field.name: change(value)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **moved)

    def videos(self, size: tuple[int, int]) -> tuple[Tensor | None, Tensor | None]:
        """HR and enlarged eLR grey levels 0..255, (B, K, C, T, *size) each, in the same geometry."""
        return self.hr_video(size), self.elr_video(size)

    def hr_video(self, size: tuple[int, int]) -> Tensor | None:
        """HR grey levels 0..255, (B, K, C, T, *size); None where the batch has no HR."""
        return None if self.hr is None else self._varied(enlarge(as_video(self.hr), size))

    def elr_video(self, size: tuple[int, int]) -> Tensor | None:
        """Enlarged eLR grey levels 0..255, (B, K, C, T, *size), the same part of the scene whatever the size."""
        if self.noise is not None and self.sensor is not None:
            assert self.hr is not None
            seen = sense(self._varied(as_video(self.hr)), self.sensor, as_video(self.noise))
            return enlarge(seen, size)
        return None if self.elr is None else self._varied(enlarge(as_video(self.elr), size))

    def _varied(self, video: Tensor) -> Tensor:
        flow = video.shape[2] == 2  # which has no brightness
        if self.geometry is not None:
            video = (warp_flow if flow else warp)(video, self.geometry)
        if self.gain is not None and not flow:
            video = (video * self.gain.view(-1, 1, 1, 1, 1, 1)).clamp(0, 255)
        return video


class ClipFrames(Dataset):
    """Stored clips as samples, taken by (epoch, index)."""

    def __init__(
        self,
        clips: Sequence[Clip],
        store: FrameStore,
        intervals: Intervals,
        *,
        hr: bool,
        elr: bool,
        augment: AugmentConfig | None = None,
        seed: int = 0,
        sensor: SensorModel | None = None,
    ) -> None:
        """`augment` None means validation or testing: centred intervals, nothing varied.

        `sensor` is the store's. `augment.fresh_noise` needs it, and a store that keeps noiseless frames;
        `augment.fresh_elr` needs it, and a store that keeps HR frames.
        """
        self.clips, self.store, self.intervals = clips, store, intervals
        self.augment, self.seed = augment, seed
        self._fresh_elr = sensor if elr and augment is not None and augment.fresh_elr else None
        self.hr = hr or self._fresh_elr is not None
        stored = elr and self._fresh_elr is None
        # Frames at eLR take so little room (576 bytes each in RGB) that a data set stays in memory.
        self._elr: list[np.ndarray] | None = [store.elr(c.source) for c in clips] if stored else None
        self._sensor = sensor if augment is not None and augment.fresh_noise else None
        self._noiseless: list[np.ndarray] = []
        if self._elr is not None and self._sensor is not None:
            self._noiseless = [store.noiseless(c.source) for c in clips]

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, key: Key) -> Batch:
        return self.__getitems__([key])

    def __getitems__(self, keys: Sequence[Key]) -> Batch:
        """The batch of all `keys`; PyTorch's loader calls this once a batch."""
        hr, elr, geometries, gains, noise = [], [], [], [], []
        for epoch, index in keys:
            clip = self.clips[index]
            rng = None if self.augment is None else sample_rng(self.seed, epoch, clip.id)
            frames = self.intervals.indices(self.store.length(clip.source), rng)  # (K, T)
            if self.hr:
                hr.append(torch.from_numpy(np.asarray(self.store.hr(clip.source)[frames])))
            if self.augment is not None and rng is not None:
                geometries.append(torch.from_numpy(sample_geometry(self.augment, rng)))
                gains.append(sample_gain(self.augment, rng))
            if self._elr is not None:
                elr.append(torch.from_numpy(self._seen(index, frames, rng)))
            if self._fresh_elr is not None and rng is not None:
                noise.append(torch.from_numpy(_noise(self._fresh_elr, frames, hr[-1].shape[-1], rng)))
        clips = [self.clips[index] for _, index in keys]
        return Batch(
            [clip.id for clip in clips],
            torch.tensor([-1 if clip.label is None else clip.label for clip in clips]),
            torch.stack(hr) if hr else None,
            torch.stack(elr) if elr else None,
            torch.stack(geometries) if geometries else None,
            torch.tensor(gains) if gains else None,
            torch.stack(noise) if noise else None,
            self._fresh_elr,
        )

    def _seen(self, index: int, frames: NDArray[np.int64], rng: np.random.Generator | None) -> Images:
        """eLR frames (K, T, h, w, C) of a clip, by their numbers (K, T)."""
        assert self._elr is not None
        stored = self._elr[index]
        if rng is None or self._sensor is None:
            return stored[frames]
        clean = self._noiseless[index]
        if np.array_equal(clean, stored):  # an eLR recording: its camera's own noise is in it
            return stored[frames]
        numbers, places = np.unique(frames, return_inverse=True)  # a frame that is repeated is one frame
        return self._sensor.add_noise(clean[numbers], rng)[places.reshape(frames.shape)]


def _noise(
    sensor: SensorModel, frames: NDArray[np.int64], channels: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The sensor's noise (K, T, h, w, C) of frames of the numbers (K, T); one that is repeated is one frame."""
    numbers, places = np.unique(frames, return_inverse=True)
    noise = rng.normal(0.0, sensor.noise, (len(numbers), sensor.height, sensor.width, channels))
    return noise.astype(np.float32)[places.reshape(frames.shape)]


def sample_rng(seed: int, epoch: int, clip: str) -> np.random.Generator:
    """Randomness of one sample: a function of (seed, epoch, clip id) alone."""
    return np.random.default_rng([seed, epoch, zlib.crc32(clip.encode())])


class EpochOrder:
    """The order of an epoch's clips, a function of (seed, epoch); the same on every rank."""

    def __init__(self, clips: int, seed: int, shuffle: bool) -> None:
        self.clips, self.seed, self.shuffle, self.epoch = clips, seed, shuffle, 0

    def set_epoch(self, epoch: int) -> None:
        """The engine calls this before each epoch."""
        self.epoch = epoch

    def order(self) -> np.ndarray:
        """(clips,) indices."""
        if not self.shuffle:
            return np.arange(self.clips)
        return np.random.default_rng([self.seed, self.epoch]).permutation(self.clips)


class EpochBatches:
    """Global batches of `batch` clips, of which this rank takes every `world`-th clip.

    In training an incomplete last batch is left out (its clips come in other epochs) unless there is no other.
    `group` batches that are accumulated to one step are left out together in the same way; an epoch of fewer is
    one step, and `group` then their number. With an unlabeled pool, every batch holds `pool_share` of its clips from
    the pool. In validation a rank for which the last batch has no clip gets it empty, so that all take as many.
    """

    def __init__(
        self,
        labelled: int,
        batch: int,
        *,
        seed: int = 0,
        train: bool = True,
        pool: int = 0,
        pool_share: float = 0.0,
        rank: int = 0,
        world: int = 1,
        group: int = 1,
    ) -> None:
        self.sampler = EpochOrder(labelled, seed, shuffle=train)
        self.pool = EpochOrder(pool, seed + 1, shuffle=True)
        self.train, self.rank, self.world = train, rank, world
        self.from_pool = round(batch * pool_share) if pool and train else 0
        self.from_labelled = max(1, batch - self.from_pool)
        if train:
            self.from_labelled = min(self.from_labelled, max(world, labelled // world * world))
        self.group = max(1, min(group, labelled // self.from_labelled))

    def __len__(self) -> int:
        whole, rest = divmod(self.sampler.clips, self.from_labelled)
        if not self.train:
            return whole + (rest > 0)
        return whole // self.group * self.group

    def __iter__(self) -> Iterator[list[Key]]:
        epoch, order = self.sampler.epoch, self.sampler.order()
        for number in range(len(self)):
            chosen = order[number * self.from_labelled : (number + 1) * self.from_labelled]
            if self.from_pool:
                chosen = np.concatenate([chosen, self.sampler.clips + self._pool_part(epoch, number)])
            yield [(epoch, int(index)) for index in chosen[self.rank :: self.world]]

    def _pool_part(self, epoch: int, number: int) -> np.ndarray:
        """The pool is walked through in shuffled rounds, going on where the last batch ended."""
        start = (epoch * len(self) + number) * self.from_pool
        turns, places = np.divmod(np.arange(start, start + self.from_pool), self.pool.clips)
        parts = []
        for turn in np.unique(turns):
            self.pool.set_epoch(int(turn))
            parts.append(self.pool.order()[places[turns == turn]])
        return np.concatenate(parts)


def _as_it_is(batch: Any) -> Any:
    """`ClipFrames` makes whole batches itself."""
    return batch


def loader(data: Dataset, batches: EpochBatches, workers: int = 0, pin: bool = False) -> DataLoader:
    """Batches of `Batch`, made by `workers` processes (0: in this one)."""
    return DataLoader(
        data,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_as_it_is,
        persistent_workers=workers > 0,
        pin_memory=pin,
    )
