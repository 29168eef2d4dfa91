"""From a recipe's data section to the clips, the frame store and the loaders of a phase."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import lightning as L
import numpy as np
from torch.utils.data import DataLoader, Dataset

from farview.console import progress
from farview.data.batches import ClipFrames, EpochBatches, loader
from farview.data.clip import Clip, DataSet
from farview.data.datasets import open_data, open_pool
from farview.data.splits import readable, training_parts
from farview.errors import FarviewError, UnreadableClip
from farview.frames.recording import ElrRecording
from farview.frames.store import FrameStore
from farview.training.recipe import PhaseConfig, Recipe

PACED = 9
"""Clips that are opened to see how fast and how long training clips are."""


@dataclass(frozen=True)
class Prepared:
    """A recipe's clips, decoded and divided."""

    data: DataSet
    train: tuple[Clip, ...]
    val: tuple[Clip, ...]
    test: tuple[Clip, ...]
    pool: tuple[Clip, ...]
    """Unlabeled."""
    store: FrameStore
    channels: int
    """1 (grey, depth, thermal) or 3 (RGB); 2 of flow."""
    unreadable: dict[str, str]
    """Clips left out: name to reason."""


def prepare(recipe: Recipe, quiet: bool = False) -> Prepared:
    """Index the data, decode what is not yet stored, hold out validation clips.

    What there is to say of the data, as how they were divided, is printed. Unreadable training clips are left out and
    reported, up to `unreadable_share` of them; unreadable test clips raise `UnreadableClip` unless `skip_unreadable`
    is set.
    """
    data = open_data(recipe.data)
    refuse_unlabelled(data)
    if not quiet:
        for note in data.remarks:
            print(f"note: {note}")
    pool = open_pool(recipe.data)
    store = open_store(recipe)
    used = [clip for clip in data.clips if clip.part != "unused"] + list(pool)
    with progress("optical flow" if recipe.input.motion else "decoding", quiet) as update:
        unreadable = store.build([c.source for c in used], workers=recipe.machine.decoders, progress=update)
    refuse_unreadable(recipe, data, pool, unreadable)
    if unreadable and not quiet:
        print(f"left out {len(unreadable)} unreadable clips:")
        for name, reason in unreadable.items():
            print(f"  {name}: {reason}")
    train, val = training_parts(data, recipe.data.val_share, unreadable)
    if not train:
        raise FarviewError(
            f"{data.name}: no training clips; all are for testing: choose a smaller data.test_share or another split"
        )
    refuse_idle_patience(recipe, data, val)
    test, pool = readable(data.part("test"), unreadable), readable(pool, unreadable)
    channels = channels_of(data, train + val + test + pool, store)
    return Prepared(data, train, val, test, pool, store, channels, unreadable)


def refuse_unlabelled(data: DataSet) -> None:
    """Raise FarviewError where there are no two classes to tell apart."""
    if not data.classes:
        raise FarviewError(
            f"data.source: {data.name} has no labels to learn from; give labelled clips there, and this as data.pool"
        )
    if len(data.classes) == 1:
        raise FarviewError(
            f"data.source: {data.name} has one class, '{data.classes[0]}'; training tells two or more apart: add "
            "clips of another"
        )


def channels_of(data: DataSet, clips: Sequence[Clip], store: FrameStore) -> int:
    """Channels of the clips, at least one. Raises FarviewError, naming an odd one, where not all have the same."""
    kinds: dict[int, list[Clip]] = {}
    for clip in clips:
        kinds.setdefault(store.channels(clip.source), []).append(clip)
    if len(kinds) > 1:
        counts = " and ".join(f"{len(kinds[channels])} of {channels}" for channels in sorted(kinds))
        channels, odd = min(kinds.items(), key=lambda kind: len(kind[1]))
        raise FarviewError(
            f"{data.name}: its clips, with the pool's, differ in channels (1 grey, 3 RGB): {counts}; "
            f"{odd[0].source.name} has {channels}; bring all to one kind or leave out the {len(odd)}"
        )
    return next(iter(kinds))


def refuse_idle_patience(recipe: Recipe, data: DataSet, val: tuple[Clip, ...]) -> None:
    """Raise FarviewError where a phase shall stop by its validation and no clips are held out for one."""
    for name in recipe.phases:
        if not val and (patience := getattr(recipe, name).patience):
            raise FarviewError(
                f"{name}.patience: {patience}, and {data.name} has no clips held out for validation "
                f"(data.val_share: {recipe.data.val_share:g}); raise data.val_share or leave out {name}.patience"
            )


def refuse_unreadable(
    recipe: Recipe, data: DataSet, pool: tuple[Clip, ...], unreadable: dict[str, str]
) -> None:
    """Raise `UnreadableClip`, naming the first, where more clips cannot be read than the recipe puts up with."""
    learned = data.part("train") + data.part("val") + pool
    bad = [clip.source.name for clip in learned if clip.source.name in unreadable]
    if len(bad) > recipe.unreadable_share * len(learned):
        share = math.ceil(100 * len(bad) / len(learned)) / 100
        remedy = f"; mend them, or go on without them by --unreadable_share {share:g}" if share < 1 else ""
        if any(isinstance(clip.source, ElrRecording) for clip in learned):
            alone = (
                "without augment.fresh_elr"
                if recipe.augment.fresh_elr
                else "by --phases '[student]' (in a table: rows without HR)"
            )
            remedy = f"; S-Net alone learns from eLR recordings, {alone}"
        raise UnreadableClip(
            f"{len(bad)} of {len(learned)} training clips are unreadable (unreadable_share allows "
            f"{recipe.unreadable_share:.0%}); first: {bad[0]}: {unreadable[bad[0]]}{remedy}"
        )
    if recipe.skip_unreadable:
        return
    for clip in data.part("test"):
        if clip.source.name in unreadable:
            raise UnreadableClip(
                f"{clip.source.name}: test clip is unreadable: {unreadable[clip.source.name]}; "
                f"mend it or go on without it by --skip_unreadable true"
            )


def pace(clips: Sequence[Clip], store: FrameStore) -> dict[str, float]:
    """What a live source must be brought to, to look like the training clips: their usual length (`frames`) and, where
    they state one, their usual frames per second (`rate`). Medians over `PACED` clips, evenly taken.
    """
    chosen = [clips[i] for i in np.linspace(0, len(clips) - 1, min(PACED, len(clips))).round().astype(int)]
    rates = []
    for clip in chosen:
        with suppress(FarviewError), clip.source.open() as frames:  # no reason to lose a finished training
            rates.append(frames.fps)
    stated = [rate for rate in rates if rate is not None]
    made = {"frames": float(np.median([store.length(clip.source) for clip in chosen]))}
    return made | ({"rate": float(np.median(stated))} if stated else {})


def open_store(recipe: Recipe) -> FrameStore:
    """The frame store that a recipe trains from."""
    size = recipe.input.size if set(recipe.phases) != {"student"} or recipe.augment.fresh_elr else None
    sensor = recipe.input.sensor
    return FrameStore(
        Path(recipe.store).expanduser(),
        sensor,
        size,
        aspect=(sensor.height, sensor.width),
        noiseless=recipe.augment.fresh_noise,
        flow=recipe.input.motion,
    )


class PhaseData(L.LightningDataModule):
    """Training and validation batches of one phase, divided among the processes."""

    def __init__(
        self, clips: Prepared, recipe: Recipe, phase: PhaseConfig, *, hr: bool, elr: bool, pool: bool
    ) -> None:
        super().__init__()
        self.clips, self.recipe, self.phase = clips, recipe, phase
        self.hr, self.elr = hr, elr
        self.pool = clips.pool if pool else ()

    def frames(self, train: bool) -> Dataset:
        """Samples of the training clips (with the pool) or of the validation clips."""
        return ClipFrames(
            self.clips.train + self.pool if train else self.clips.val,
            self.clips.store,
            self.recipe.input.intervals,
            hr=self.hr,
            elr=self.elr,
            augment=self.recipe.augment if train else None,
            seed=self.recipe.seed,
            sensor=self.recipe.input.sensor,
        )

    def batches(self, train: bool, rank: int = 0, world: int = 1) -> EpochBatches:
        """Which clips come together."""
        at_once = self.phase.at_once(world)
        return EpochBatches(
            len(self.clips.train if train else self.clips.val),
            at_once,
            seed=self.recipe.seed,
            train=train,
            pool=len(self.pool),
            pool_share=self.recipe.data.pool_share,
            rank=rank,
            world=world,
            group=self.phase.batch // at_once if train else 1,
        )

    def accumulate(self, world: int) -> int:
        """Micro-batches in a step: the engine divides their sum by this, so never more than an epoch has."""
        return self.batches(True, world=world).group

    def steps_per_epoch(self, world: int) -> int:
        """Optimiser steps."""
        return len(self.batches(True, world=world)) // self.accumulate(world)

    def train_dataloader(self) -> DataLoader:
        """Called by the engine in each process."""
        return self._loader(train=True)

    def val_dataloader(self) -> DataLoader | list:
        """Called by the engine in each process."""
        return self._loader(train=False) if self.clips.val else []

    def _loader(self, train: bool) -> DataLoader:
        assert self.trainer is not None
        batches = self.batches(train, self.trainer.global_rank, self.trainer.world_size)
        pin = self.trainer.strategy.root_device.type == "cuda"
        return loader(self.frames(train), batches, self.recipe.machine.workers, pin)
