"""What the tests of every rival network share: batches, a step that must help, a run whose file must say the same."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from farview.data.batches import Batch
from farview.rivals.network import Rival, Step, StreamsConfig
from farview.rivals.network_file import RivalModel, load
from farview.rivals.run import run_rival
from farview.rivals.streams import Stream, Streams
from farview.rivals.train import predict_network, stores_of
from farview.training.data import prepare
from tests.training.tiny import tiny_recipe


def batch(
    config: StreamsConfig, labels: list[int], channels: int = 1, hr: bool = False, seed: int = 0
) -> Streams:
    """Noisy frames, 6x8 eLR pixels, 24x32 HR ones, with a wave whose place tells the label."""
    rng = torch.Generator().manual_seed(seed)
    k, t = config.intervals.count, config.intervals.frames

    def frames(height: int, width: int, c: int) -> torch.Tensor:
        noise = torch.rand(len(labels), k, t, height, width, c, generator=rng)
        place = torch.arange(width) / width - torch.tensor(labels)[:, None] / (max(labels) + 1)  # (B, W)
        wave = torch.cos(2 * torch.pi * place).view(-1, 1, 1, 1, width, 1)
        return (127.5 + 60 * wave + 60 * (2 * noise - 1)).to(torch.uint8)

    parts: dict[Stream, Batch] = {}
    for stream, c in config.channels(channels).items():
        names = [f"clip{i}" for i in range(len(labels))]
        high = frames(24, 32, c) if hr else None
        parts[stream] = Batch(names, torch.tensor(labels), high, frames(6, 8, c), None, None)
    return Streams(parts)


def without_hr(seen: Streams) -> Streams:
    return Streams({stream: replace(part, hr=None) for stream, part in seen.parts.items()})


def loss_after_steps(network: Rival, seen: Streams, step: Step, steps: int = 8) -> tuple[float, float]:
    """The loss on one batch before and after some steps."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # always the same units dropped would tell one clip from another
    weights = [p for module in network.learned(step.stage) for p in module.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=0.003)
    losses = []
    for _ in range(steps + 1):
        network.train()
        loss = network.terms(seen, step)["total"]
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        network.after_step(step)
    return losses[0], losses[-1]


def run_end_to_end(tmp_path: Path, config: StreamsConfig, *overrides: str) -> Path:
    """`run_rival` on moving bars; the folder. What its file holds predicts what was written."""
    recipe = tiny_recipe(
        tmp_path, "--data.val_share", "0.25", "--student.epochs", "2", "--teacher.epochs", "2", *overrides
    )
    folder = run_rival(recipe, config, quiet=True)
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert run_rival(recipe, config, quiet=True) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made  # done is done
    model = load(folder / "model.safetensors")
    assert isinstance(model, RivalModel)
    assert model.config == config and model.trained["seconds"] > 0
    clips = prepare(replace(recipe, phases=("student",)), quiet=True)  # no HR frames any more
    assert model.classes == clips.data.classes and set(model.accuracy) == {"validation", "test"}
    stores = stores_of(recipe, clips, config, quiet=True)
    found = predict_network(model.network, model.config, clips.test, stores)
    with (folder / "test-predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"] for row in rows] == [clip.id for clip in clips.test]
    written = [[float(row[name]) for name in model.classes] for row in rows]
    np.testing.assert_allclose(written, found.logits.softmax(1), atol=1e-5)
    by_itself, _ = model.logits(clips.store.elr(clip.source) for clip in clips.test)  # with no store of flow
    np.testing.assert_allclose(by_itself, found.logits, rtol=1e-3, atol=1e-4)
    assert model.multiply_adds > model.parameters > 0
    hits = [row["label"] == row["predicted"] for row in rows]
    assert model.accuracy["test"]["prec1"] == 100 * np.mean(hits)
    return folder
