"""The paper's own setting starts on real clips: 256x340, full networks, one optimisation step of each phase."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from farview.models.model_file import load_model
from farview.training.phases import run
from farview.training.recipe import read_recipe


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper/resnet34", "paper/r2plus1d18"])
def test_one_step_of_each_phase(name: str, data_root: Path, tmp_path: Path) -> None:
    recipe = read_recipe(
        name,
        [
            f"--data.source=ucf101:{data_root / 'clips' / 'ucf101'}",
            f"--data.lists={data_root / 'splits' / 'ucf101'}",
            "--data.available_only=true",
            "--data.val_share=0",
            "--machine.accelerator=cpu",
            "--machine.workers=0",
            "--machine.decoders=2",
            f"--out={tmp_path / 'run'}",
            f"--store={tmp_path / 'store'}",
        ],
    )
    phases = {
        p: replace(getattr(recipe, p), epochs=1, warmup=0.0) for p in ("teacher", "student", "transfer")
    }
    finished = run(replace(recipe, **phases), quiet=True)
    assert {clip.id.split("/")[0] for clip in finished.clips.train} == {"SoccerJuggling"}
    student, contract = load_model(finished.models["student"])
    transferred, _ = load_model(finished.models["transfer"])
    assert contract.input_size == (256, 340) and len(contract.classes) == 101
    moved = [
        not torch.equal(a, b) for a, b in zip(student.parameters(), transferred.parameters(), strict=True)
    ]
    assert any(moved)
