"""What a run writes while it trains, so that it can be cut at any moment: history, weights, checkpoint."""

import csv
import io
import os
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from safetensors.torch import save

from farview.frames.files import atomic_write
from farview.training.module import Training
from farview.training.recipe import PhaseConfig

LAST, WEIGHTS, HISTORY = "last.ckpt", "weights.safetensors", "history.csv"


class AtomicCheckpoints(TorchCheckpointIO):
    """Checkpoints that are whole or not there, read back without unpickling code."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike, storage_options: Any = None
    ) -> None:
        """Write to a temporary name, then rename.

        PyTorch's writer puts the checkpoint into memory first: cut off by Ctrl-C or a full disk while it writes
        a file, it hides that behind an error of its own, or ends the process when the file is closed already.
        """
        memory = io.BytesIO()
        torch.save(checkpoint, memory)
        with atomic_write(Path(path)) as file:
            file.write(memory.getbuffer())

    def load_checkpoint(
        self, path: str | os.PathLike, map_location: Any = None, weights_only: Any = None
    ) -> Any:
        """Tensors and plain values only."""
        return torch.load(path, map_location=map_location, weights_only=True)


class Keeper(L.Callback):
    """After every epoch: a line for the reader, the history, the weights to keep, the resumable checkpoint."""

    def __init__(self, folder: Path, name: str, phase: PhaseConfig, quiet: bool = False) -> None:
        self.folder, self.name, self.phase, self.quiet = folder, name, phase, quiet
        self.history: list[dict[str, float]] = []
        self._started = self._waited = self._idle_since = time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        """Goes into the checkpoint."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Comes from the checkpoint."""
        self.history = state_dict["history"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """A run that had stopped early and was cut before its model was written does not go on."""
        if self.out_of_patience():
            trainer.should_stop = True

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Time since the last step went into waiting for data. The first batch starts the epoch's clocks: on a
        resumed run the engine calls no earlier hook."""
        if batch_idx == 0:
            self._started = self._idle_since = time.perf_counter()
            self._waited = 0.0
        self._waited += time.perf_counter() - self._idle_since

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """From here on the loader is waited for."""
        self._idle_since = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write everything; the checkpoint last, so that an epoch counts only when all of it is there."""
        assert isinstance(pl_module, Training)
        seconds = time.perf_counter() - self._started
        figures = {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
        row = {"epoch": float(trainer.current_epoch), "seconds": seconds, "waiting": self._waited, **figures}
        row["lr"] = trainer.optimizers[0].param_groups[0]["lr"]
        self.history.append(row)
        if trainer.is_global_zero:
            if self.phase.keep == "last" or self.best_epoch() == trainer.current_epoch:
                with atomic_write(self.folder / WEIGHTS) as file:
                    file.write(save(weights(pl_module)))
            self._write_history()
            if not self.quiet:
                print(f"{self.name:8} {line(row, trainer.max_epochs)}", flush=True)
        if self.out_of_patience():
            trainer.should_stop = True
        trainer.save_checkpoint(self.folder / LAST)

    def best_epoch(self) -> int:
        """The epoch with the best validation; the first of equals."""
        return int(max(self.history, key=rank)["epoch"])

    def out_of_patience(self) -> bool:
        """Whether `patience` epochs have brought no better validation."""
        if not self.phase.patience or not self.history:
            return False
        return self.history[-1]["epoch"] - self.best_epoch() >= self.phase.patience

    def _write_history(self) -> None:
        text = io.StringIO()
        table = csv.DictWriter(text, fieldnames=list(self.history[0]), extrasaction="ignore")
        table.writeheader()
        table.writerows(self.history)
        with atomic_write(self.folder / HISTORY) as file:
            file.write(text.getvalue().encode())


def seconds_of(folder: Path) -> float:
    """What all epochs of a history took, those before a cut among them."""
    with (folder / HISTORY).open(newline="") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))


def rank(row: dict[str, float]) -> tuple[float, float]:
    """Order of epochs: validation Prec@1, then its cross-entropy; without validation the later one is better."""
    if "val/prec@1" not in row:
        return row["epoch"], 0.0
    return row["val/prec@1"], -row["val/ce"]


def weights(module: Training) -> dict[str, torch.Tensor]:
    """The network's tensors on the CPU."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in module.network.state_dict().items()}


def line(row: dict[str, float], epochs: int | None) -> str:
    """One epoch for a reader."""
    parts = [f"epoch {int(row['epoch']) + 1:3d}/{epochs}"]
    parts += [
        f"{key.removeprefix('train/')} {row[key]:.3f}" for key in ("train/total", "train/ce") if key in row
    ]
    if "val/prec@1" in row:
        parts.append(f"val prec@1 {row['val/prec@1']:.1f}")
    return "  ".join([*parts, f"{row['seconds']:.1f} s"])
