"""Checkpoints that are cut off while they are written."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch

from farview.training.checkpoint import AtomicCheckpoints


class CutOff(io.FileIO):
    """A file of which one write, the first of more than `size` bytes, fails."""

    failure: type[BaseException] = OSError
    size = 0

    def write(self, data: Any) -> int:
        if memoryview(data).nbytes > self.size:
            raise self.failure("cut off")
        return super().write(data)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("size", [0, 10_000])  # the first byte; the tensor, after the file's beginning
def test_a_checkpoint_cut_off_says_by_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException], size: int
) -> None:
    """PyTorch's own error on leaving its writer ("unexpected pos") hides Ctrl-C and a full disk."""
    kept, io_of = tmp_path / "last.ckpt", AtomicCheckpoints()
    io_of.save_checkpoint({"epoch": 1}, kept)
    monkeypatch.setattr(CutOff, "failure", failure)
    monkeypatch.setattr(CutOff, "size", size)
    monkeypatch.setattr("builtins.open", lambda name, mode, **_: CutOff(name, mode))
    with pytest.raises(failure, match="cut off"):
        io_of.save_checkpoint({"weights": torch.zeros(100_000)}, kept)
    monkeypatch.undo()
    assert io_of.load_checkpoint(kept) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [kept]
