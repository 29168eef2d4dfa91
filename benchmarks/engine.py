"""What the training engine adds to a plain PyTorch loop of the same network, batches and loss.

    python benchmarks/engine.py [--rounds 5] [--clips 480] [--batch 16] [--epochs 2]

The engine's time holds its start and the checkpoint, history and log after each epoch. Both train the same student on
random clips, epoch by epoch in turn; medians of processor time, one thread. Floor: less than 5 % more.
"""

import argparse
import copy
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from farview.data.augment import normalise
from farview.data.clip import Clip, DataSet
from farview.data.config import DataConfig
from farview.frames.arrays import MemoryFrames
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.frames.store import FrameStore
from farview.models.contract import NetworkConfig
from farview.training.checkpoint import Keeper
from farview.training.data import PhaseData, Prepared
from farview.training.module import NetworkTraining
from farview.training.optimiser import optimiser, rate
from farview.training.phases import build_network, contract_of, fit
from farview.training.recipe import InputConfig, MachineConfig, PhaseConfig, Recipe


def plain(data: PhaseData, module: NetworkTraining, phase: PhaseConfig) -> None:
    """The same training without the engine."""
    network, contract = module.network.train(), module.contract
    chosen = optimiser([network], phase)
    base = [group["lr"] for group in chosen.param_groups]
    frames, batches, step = data.frames(train=True), data.batches(train=True), 0
    for epoch in range(phase.epochs):
        batches.sampler.set_epoch(epoch)
        for keys in batches:
            batch = frames.__getitems__(keys)
            _, video = batch.videos(contract.input_size)
            assert video is not None
            for group, lr in zip(chosen.param_groups, base, strict=True):
                group["lr"] = lr * rate(phase, step / len(batches))
            logits = network(normalise(video, contract.mean, contract.std)).logits
            loss = F.cross_entropy(logits, batch.labels)
            chosen.zero_grad()
            loss.backward()
            chosen.step()
            step += 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, default=480)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    clips = tuple(
        Clip(f"{i}", MemoryFrames(rng.integers(0, 256, (30, 48, 64, 1), dtype=np.uint8)), i % 4, "train")
        for i in range(options.clips)
    )
    phase = PhaseConfig(epochs=options.epochs, batch=options.batch, optimizer="adamw")
    recipe = Recipe(
        DataConfig("folder:random"),
        input=InputConfig((48, 64), SensorModel(), Intervals(8, 3, 2)),
        network=NetworkConfig("resnet18", 16, "small"),
        machine=MachineConfig(accelerator="cpu"),
    )
    times: dict[str, list[float]] = {"plain loop": [], "engine": []}
    with tempfile.TemporaryDirectory() as name:
        store = FrameStore(Path(name), recipe.input.sensor, None)
        prepared = Prepared(DataSet("random", tuple("abcd"), clips), clips, (), (), (), store, 1, {})
        data = PhaseData(prepared, recipe, phase, hr=False, elr=True, pool=False)
        contract = contract_of(recipe, "student", prepared)
        first = build_network(contract).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for turn in range(options.rounds + 1):
            for way in times:
                module = NetworkTraining(copy.deepcopy(first), contract, phase, 0)
                start = time.process_time()
                if way == "engine":
                    folder = Path(name) / f"run{turn}"
                    fit(recipe, phase, module, data, Keeper(folder, "student", phase, quiet=True))
                else:
                    plain(data, module, phase)
                if turn:  # the first one warms up
                    times[way].append(time.process_time() - start)
    for way, values in times.items():
        print(
            f"{way:10} {1000 * statistics.median(values) / options.epochs / options.clips:7.1f} ms a clip and epoch"
        )
    ratios = [e / p for e, p in zip(times["engine"], times["plain loop"], strict=True)]
    print(f"ratio      {statistics.median(ratios):7.3f} (floor 1.05)")


if __name__ == "__main__":
    main()
