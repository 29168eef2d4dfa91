"""`farview evaluate`: on the clips that it should be, with the figures that training measured."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from farview.cli import main
from farview.data.config import DataConfig
from farview.errors import FarviewError, UnreadableClip
from farview.experiments.evaluate import evaluate
from farview.models.model_file import load_model, save_model
from farview.training.data import prepare
from farview.training.evaluation import predict_clips
from farview.training.phases import Run
from tests.training.tiny import make_clips, tiny_recipe


def ids(clips: Any) -> set[str]:
    return {clip.id for clip in clips}


def told(model: Path, out: Path, **trained: Any) -> Path:
    """A copy of a model whose file tells something else of its training."""
    network, contract = load_model(model)
    save_model(out, network, replace(contract, trained=contract.trained | trained))
    return out


def test_parts_are_those_of_training(finished: Run) -> None:
    """Whatever share the caller's settings name; the figures are the ones that training measured."""
    model, clips = finished.models["transfer"], finished.clips
    config = replace(finished.recipe.data, val_share=0.5)
    _, contract = load_model(model)
    assert clips.val and len(clips.val) != round(0.5 * len(clips.train + clips.val))
    for part, expected in (("train", clips.train), ("val", clips.val), ("test", clips.test)):
        result = evaluate(model, config, part, store=finished.recipe.store, quiet=True)  # type: ignore[arg-type]
        assert set(result.predictions.clips) == ids(expected) and result.part == part
        measured = contract.accuracy.get({"val": "validation"}.get(part, part))
        assert measured is None or measured["prec1"] == pytest.approx(result.accuracy.prec1)
        assert measured is not None or part == "train"


def test_it_runs_where_it_is_told(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def watched(*arguments: Any, device: str) -> Any:
        asked.append(device)
        return predict_clips(*arguments)

    monkeypatch.setattr("farview.experiments.evaluate.predict_clips", watched)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    model, recipe = finished.models["student"], finished.recipe
    for accelerator in ("auto", "gpu", "cpu"):
        evaluate(model, recipe.data, store=recipe.store, accelerator=accelerator, quiet=True)
    assert asked == ["cuda", "cuda", "cpu"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(FarviewError, match="--accelerator gpu: PyTorch sees no CUDA GPU"):
        evaluate(model, recipe.data, store=recipe.store, accelerator="gpu", quiet=True)


def test_unreadable_clips_do_not_shift_the_division(finished: Run, tmp_path: Path) -> None:
    """Training held out among the clips that it could read; so does the evaluation."""
    make_clips(tmp_path / "clips", each=14)
    broken = tmp_path / "clips" / "left" / "clip03" / "000.png"
    recipe = tiny_recipe(tmp_path, "--unreadable_share=0.5", "--data.test_share=0")
    before = prepare(recipe, quiet=True)
    broken.write_bytes(b"no image")
    clips = prepare(recipe, quiet=True)
    assert len(clips.unreadable) == 1 and ids(clips.val) != ids(before.val)
    model = told(
        finished.models["student"],
        tmp_path / "model.safetensors",
        data={"source": recipe.data.source, "val_share": 0.2},
        clips=len(clips.train),
    )
    with pytest.raises(UnreadableClip, match="clip03"):
        evaluate(model, recipe.data, "val", store=recipe.store, quiet=True)
    for part, expected in (("val", clips.val), ("train", clips.train)):
        result = evaluate(model, recipe.data, part, store=recipe.store, skip_unreadable=True, quiet=True)  # type: ignore[arg-type]
        assert set(result.predictions.clips) == ids(expected)


def test_a_data_sets_own_validation_part_is_taken(finished: Run, tmp_path: Path) -> None:
    make_clips(tmp_path / "clips", each=4)
    rows = [
        f"{label}/clip{i:02d},{label},{part}"
        for label in ("left", "right")
        for i, part in enumerate(("train", "train", "val", "test"))
    ]
    (tmp_path / "clips" / "clips.csv").write_text("\n".join(["path,label,split", *rows]))
    config = DataConfig(f"folder:{tmp_path / 'clips'}")
    result = evaluate(finished.models["student"], config, "val", store=tmp_path / "store", quiet=True)
    assert set(result.predictions.clips) == {"left/clip02", "right/clip02"}
    with pytest.raises(FarviewError, match="gives 4 clips to train on"):
        evaluate(finished.models["student"], config, "train", store=tmp_path / "store", quiet=True)


def test_what_was_not_held_out_is_said(finished: Run, tmp_path: Path) -> None:
    student, config, store = finished.models["student"], finished.recipe.data, finished.recipe.store
    data = load_model(student)[1].trained["data"]
    none = told(student, tmp_path / "a.safetensors", data=data | {"val_share": 0.0})
    with pytest.raises(FarviewError, match="held out no clips for validation"):
        evaluate(none, config, "val", store=store, quiet=True)
    other = told(student, tmp_path / "b.safetensors", clips=999)
    for part in ("val", "train"):
        with pytest.raises(FarviewError, match="the model learned from 999"):
            evaluate(other, config, part, store=store, quiet=True)  # type: ignore[arg-type]
    silent = told(student, tmp_path / "c.safetensors", data={})
    with pytest.raises(FarviewError, match="does not tell"):
        evaluate(silent, config, "val", store=store, quiet=True)
    assert evaluate(silent, config, "test", store=store, quiet=True).accuracy.clips == len(
        finished.clips.test
    )


def test_the_command_takes_the_options_of_training(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that learned from three clips a class divides those, though nobody says so again."""
    recipe = finished.recipe
    fewer = replace(recipe, data=replace(recipe.data, per_class=5, test_share=0.5, val_share=0.3))
    clips = prepare(fewer, quiet=True)
    assert len(clips.val) > 0 and len(clips.train) == 10
    data = load_model(finished.models["student"])[1].trained["data"]
    settings = {"per_class": 5, "test_share": 0.5, "val_share": 0.3}
    model = told(
        finished.models["student"],
        tmp_path / "model.safetensors",
        data=data | settings,
        clips=len(clips.train),
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    main(
        [
            "evaluate",
            str(model),
            recipe.data.source,
            "--part",
            "val",
            "--json",
            "--out",
            str(tmp_path / "out"),
        ]
    )
    assert json.loads(capsys.readouterr().out)["clips"] == len(clips.val)
    rows = (tmp_path / "out" / "predictions.csv").read_text().splitlines()[1:]
    assert {row.split(",")[0] for row in rows} == ids(clips.val)
