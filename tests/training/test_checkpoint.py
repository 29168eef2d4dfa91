"""Checkpoints that are cut off while they are written."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch

from farview.training.checkpoint import AtomicCheckpoints


class CutOff(io.FileIO):
    """A file that cannot take more than 10,000 bytes at once."""

    failure: type[BaseException]

    def write(self, data: Any) -> int:
        if memoryview(data).nbytes > 10_000:
            raise self.failure("cut off")
        return super().write(data)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
def test_a_checkpoint_cut_off_says_by_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    """PyTorch's own error on leaving its writer ("unexpected pos") hides Ctrl-C and a full disk."""
    kept, io_of = tmp_path / "last.ckpt", AtomicCheckpoints()
    io_of.save_checkpoint({"epoch": 1}, kept)
    monkeypatch.setattr(CutOff, "failure", failure, raising=False)
    monkeypatch.setattr("builtins.open", lambda name, mode, **_: CutOff(name, mode))
    with pytest.raises(failure, match="cut off"):
        io_of.save_checkpoint({"weights": torch.zeros(100_000)}, kept)
    monkeypatch.undo()
    assert io_of.load_checkpoint(kept) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [kept]
