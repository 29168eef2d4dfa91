"""Which networks and clips a run's folder holds, also where it was trained in parts."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from farview.errors import FarviewError
from farview.experiments.figures.draw import figures
from farview.experiments.figures.subject import open_subject
from farview.frames.sensor import SensorModel
from farview.models.model_file import load_model, save_model
from farview.training.phases import run
from tests.experiments.figures.conftest import Drawn
from tests.training.tiny import tiny_recipe


def changed(drawn: Drawn, folder: Path, name: str, **changes) -> Path:
    """The run with another contract of one model."""
    shutil.copytree(drawn.run, folder / "run")
    path = folder / "run" / f"{name}.safetensors"
    network, contract = load_model(path)
    save_model(path, network, replace(contract, **changes))
    return folder / "run"


def test_a_t_net_of_a_run_with_another_sensor_is_at_home(drawn: Drawn, tmp_path: Path) -> None:
    """T-Net sees no eLR frames: cells of a table and later runs into a folder share it."""
    other = SensorModel(9, 12, seed=5)
    subject = open_subject(changed(drawn, tmp_path, "teacher", sensor=other))
    assert subject.contract.sensor == drawn.subject.contract.sensor and subject.aspect == (6, 8)
    figures(tmp_path / "run", tmp_path, only=(6,), formats=("png",), dpi=30, quiet=True)


@pytest.mark.parametrize(
    ("name", "changes"),
    [("cstat", {"sensor": SensorModel(9, 12)}), ("teacher", {"classes": ("left", "up")})],
)
def test_networks_of_two_runs_are_refused(drawn: Drawn, name: str, changes: dict, tmp_path: Path) -> None:
    with pytest.raises(
        FarviewError, match=rf"differ in {next(iter(changes))}, .*farview train .*recipe\.yaml"
    ):
        open_subject(changed(drawn, tmp_path, name, **changes))


def test_the_extractor_is_found_by_its_phase(drawn: Drawn, tmp_path: Path) -> None:
    assert drawn.subject.extractor is not None and "mlp" in drawn.facts["7"]["clips"][0]["kept"]
    shutil.copytree(drawn.run, tmp_path / "run", ignore=shutil.ignore_patterns("phases"))
    subject = open_subject(tmp_path / "run")
    assert subject.extractor is None and subject.folders == {}
    figures(tmp_path / "run", tmp_path, only=(7,), formats=("png",), dpi=30, quiet=True)
    assert (
        "its extractor is in the transfer's last checkpoint, which is gone"
        in (tmp_path / "captions.md").read_text()
    )


def test_unreadable_clips_are_not_shown(tmp_path: Path) -> None:
    recipe = tiny_recipe(
        tmp_path, "--phases=[student]", "--student.epochs=1", "--unreadable_share=1", "--skip_unreadable=true"
    )
    broken = {"left": "clip00", "right": "clip01"}
    for label, clip in broken.items():
        for path in (tmp_path / "clips" / label / clip).glob("*.png"):
            path.write_bytes(b"no image")
    done = run(recipe, quiet=True)
    assert len(done.clips.unreadable) == 2
    shown = {
        part: {clip.id for clip in open_subject(recipe.out, part).clips}  # type: ignore[arg-type]
        for part in ("train", "val", "test")
    }
    for part, ids in shown.items():
        assert ids == {clip.id for clip in getattr(done.clips, part)}, part
    assert not {f"{label}/{clip}" for label, clip in broken.items()} & set.union(*shown.values())
