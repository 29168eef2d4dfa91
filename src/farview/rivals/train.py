"""Train a rival that is a network with the engine of Farview's own: resumable, and stopped where a term is not finite.

How long, how fast, with what batch, from what weights: the sections of the recipe that the method names, most often
`student`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from farview.console import progress
from farview.data.batches import EpochBatches, loader
from farview.data.clip import Clip
from farview.errors import FarviewError
from farview.frames.store import FrameStore
from farview.rivals.network import Rival, Step, StreamsConfig
from farview.rivals.streams import Stream, Streams, stream_frames
from farview.training.checkpoint import WEIGHTS, Keeper, seconds_of
from farview.training.data import PhaseData, Prepared, open_store
from farview.training.evaluation import Predictions
from farview.training.module import Training
from farview.training.phases import fit
from farview.training.processor import laid_out, settle
from farview.training.recipe import PHASES, PhaseConfig, Recipe, check_weights


class RivalTraining(Training):
    """One stage of a rival."""

    network: Rival

    def __init__(self, network: Rival, stage: str, phase: PhaseConfig, seed: int) -> None:
        super().__init__(network, phase, seed)
        self.stage = stage

    @property
    def step(self) -> Step:
        """Where training is."""
        return Step(self.stage, self.current_epoch, self.phase.epochs, self.phase.label_smoothing)

    def terms(self, batch: Streams) -> dict[str, Tensor]:
        """The rival's own."""
        return self.network.terms(batch, self.step)

    def logits(self, batch: Streams) -> Tensor:
        """Of whole clips, (B, classes)."""
        return self.network.judged(batch, self.stage).mean(1)

    def on_train_batch_end(self, outputs: Any, batch: Streams, batch_idx: int) -> None:
        """Some methods change weights beside the optimiser."""
        self.network.after_step(self.step)

    def trained(self) -> list[nn.Module]:
        """The modules whose parameters are learned."""
        return list(self.network.learned(self.stage))


class RivalData(PhaseData):
    """Batches of all streams."""

    def __init__(
        self,
        clips: Prepared,
        recipe: Recipe,
        phase: PhaseConfig,
        config: StreamsConfig,
        stores: Mapping[Stream, Any],
        quiet: bool,
    ) -> None:
        super().__init__(clips, recipe, phase, hr=config.uses_hr, elr=True, pool=False)
        self.config, self.stores, self.quiet = config, stores, quiet

    def frames(self, train: bool) -> Dataset:
        """Samples of the training or of the validation clips."""
        return self.config.samples(self.clips, self.stores, self.recipe, train, self.quiet)


def stores_of(
    recipe: Recipe, clips: Prepared, config: StreamsConfig, *, hr: bool = False, quiet: bool = False
) -> dict[Stream, FrameStore]:
    """Where each stream's frames come from; flow, with `hr` of HR frames too, is made where it is not stored yet."""
    if "flow" not in config.streams:
        return {"rgb": clips.store}
    moving = replace(
        recipe,
        phases=("teacher", "student") if hr else ("student",),
        input=replace(recipe.input, stream="flow"),
        augment=replace(recipe.augment, fresh_noise=False),
    )
    flow = open_store(moving)
    sources = [clip.source for clip in clips.train + clips.val + clips.test]
    with progress("optical flow", quiet) as update:
        flow.build(sources, workers=recipe.machine.decoders, progress=update)
    stores: dict[Stream, FrameStore] = {"rgb": clips.store, "flow": flow}
    return {stream: stores[stream] for stream in config.streams}


def train_network(
    recipe: Recipe,
    config: StreamsConfig,
    clips: Prepared,
    stores: Mapping[Stream, Any],
    folder: Path,
    quiet: bool = False,
) -> tuple[Rival, float]:
    """The trained network and the seconds that its epochs took. Goes on where an earlier call was cut.

    Each stage has a folder with its history and checkpoint below `folder`. One process trains.
    """
    settle(recipe.machine)
    alone = replace(recipe, machine=replace(recipe.machine, devices=1, nodes=1, strategy="auto"))
    torch.manual_seed(recipe.seed)
    network = config.build(len(clips.data.classes), clips.channels)
    for stage, section in config.stages.items():
        initial = getattr(recipe, section).initial
        if initial is None or section not in config.starts:
            continue
        try:
            lines = network.start(stage, initial)
        except FarviewError as error:
            raise FarviewError(f"{section}.initial: {error}") from None
        for line in lines:
            if not quiet:
                print(f"{config.method:8} {line}", flush=True)
    laid_out(network)
    seconds = 0.0
    for stage, section in config.stages.items():
        phase: PhaseConfig = getattr(recipe, section)
        name = config.method if len(config.stages) == 1 else f"{config.method} {stage}"
        keeper = Keeper(folder / stage, name, phase, quiet)
        data = RivalData(clips, alone, phase, config, stores, quiet)
        fit(alone, phase, RivalTraining(network, stage, phase, recipe.seed), data, keeper)
        network.load_state_dict(load_file(folder / stage / WEIGHTS))
        seconds += seconds_of(folder / stage)
    return network.eval(), seconds


def check_first_weights(recipe: Recipe, config: StreamsConfig) -> None:
    """Raise FarviewError, before anything is decoded, for first weights that a method cannot have or are not there.

    The transfer goes on from the student, as a recipe says unless told.
    """
    for section in config.sections:
        initial = getattr(recipe, section).initial
        if initial is None or (section, initial) == ("transfer", "student"):
            continue
        key = f"{section}.initial"
        if section not in config.starts:
            raise FarviewError(
                f"{key}: {config.method} starts this from random weights; leave it out (in a table the row, by --rows)"
            )
        if initial in PHASES:
            raise FarviewError(f"{key}: {initial}: a rival starts from a file or from random weights")
        check_weights(key, initial, config.streams)


@torch.inference_mode()
def predict_network(
    network: Rival,
    config: StreamsConfig,
    clips: Sequence[Clip],
    stores: Mapping[Stream, Any],
    batch: int = 16,
    device: torch.device | str = "cpu",
) -> Predictions:
    """Centred intervals of at least one clip through the network in eval mode, from eLR frames alone."""
    network = network.to(device).eval()
    data = stream_frames(clips, stores, config.intervals)
    parts = [
        (seen.labels, network(seen.to(device)).cpu())
        for seen in loader(data, EpochBatches(len(clips), batch, train=False))
    ]
    labels, intervals = (torch.cat(part) for part in zip(*parts, strict=True))
    logits = intervals.mean(1)
    return Predictions(
        clips=tuple(clip.id for clip in clips),
        labels=labels,
        logits=logits,
        interval_logits=intervals,
        features=logits,
        attention=torch.full(intervals.shape[:2], 1 / intervals.shape[1]),
    )
