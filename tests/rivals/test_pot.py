"""PoT and its file, on arrays and on a tiny data set."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn")

from farview.errors import FarviewError
from farview.frames.sensor import SensorModel
from farview.models.contract import read_contract
from farview.models.model_file import load_model
from farview.rivals.i3d import I3dConfig
from farview.rivals.pot import PotConfig, classifier, groups_of, pooled, train_pot
from farview.rivals.pot_file import load_pot, read_description, save_pot
from farview.rivals.run import check_rival, rival_folder, run_rival
from farview.training.data import prepare
from farview.training.phases import run
from farview.training.recipe import Recipe
from tests.training.tiny import tiny_recipe


def alone(tmp_path: Path, *overrides: str) -> Recipe:
    return replace(tiny_recipe(tmp_path, "--data.val_share", "0.25", *overrides), phases=("student",))


def test_a_reversed_video_swaps_its_rises_and_falls() -> None:
    video = np.random.default_rng(0).integers(0, 256, (16, 12, 16, 1), np.uint8)
    config = PotConfig(("hog",))
    (forward, backward), sizes = pooled([video, video[::-1]], config)
    assert sizes == (3000,) * 4
    mirror = [0, 2, 1, 6, 5, 4, 3, 14, 13, 12, 11, 10, 9, 8, 7]
    ahead, back = (vector.reshape(4, 15, 200) for vector in (forward, backward))
    np.testing.assert_array_equal(back[2], ahead[3][mirror])
    np.testing.assert_array_equal(back[3], ahead[2][mirror])
    np.testing.assert_array_equal(back[0], ahead[0][mirror])
    assert ahead[2:].any()


def test_vectors_are_as_long_whatever_the_videos_are() -> None:
    rng = np.random.default_rng(0)
    videos = [rng.integers(0, 256, (length, 12, 16, 3), np.uint8) for length in (1, 2, 3, 9)]
    vectors, sizes = pooled(videos, PotConfig(("mbh", "hof")))
    assert vectors.shape == (4, sum(sizes)) and sizes == (6000,) * 4 + (3000,) * 4
    assert vectors.min() >= 0  # a chi-square kernel needs that


@pytest.mark.parametrize("names", [(), ("hog", "hog"), ("sift",)])
def test_unknown_descriptors_are_refused(names: tuple) -> None:
    with pytest.raises(FarviewError, match="descriptors"):
        PotConfig(names)


@pytest.mark.parametrize(("config", "least"), [(PotConfig(("hog", "hof")), 100), (PotConfig(), 75)])
def test_it_learns_which_way_a_bar_moves_and_its_file_predicts_the_same(
    config: PotConfig, least: float, tmp_path: Path
) -> None:
    recipe = alone(tmp_path)
    folder = run_rival(recipe, config, quiet=True)
    text = read_description(folder / "model.safetensors")
    assert text["accuracy"]["test"]["prec1"] >= least and text["method"] == "pot"
    assert set(text["accuracy"]) == {"validation", "test"} and text["trained"]["seconds"] > 0
    model, clips = load_pot(folder / "model.safetensors"), prepare(recipe, quiet=True)
    assert text["trained"]["clips"] == len(clips.train) and model.classes == clips.data.classes
    logits, _ = model.logits(clips.store.elr(clip.source) for clip in clips.test)
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    with (folder / "test-predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"] for row in rows] == [clip.id for clip in clips.test]
    written = [[float(row[name]) for name in model.classes] for row in rows]
    np.testing.assert_allclose(written, scores, atol=1e-5)


def test_what_is_done_is_not_done_again_and_other_options_go_elsewhere(tmp_path: Path) -> None:
    recipe = alone(tmp_path)
    folder = run_rival(recipe, PotConfig(("hog",)), quiet=True)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert run_rival(recipe, PotConfig(("hog",)), quiet=True) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    clips = prepare(recipe, quiet=True)
    assert rival_folder(recipe, PotConfig(("hof",)), clips) != folder
    # ... and no setting of a network's training matters.
    assert (
        rival_folder(replace(recipe, teacher=replace(recipe.teacher, lr=1.0)), PotConfig(("hog",)), clips)
        == folder
    )


def test_what_the_network_depends_on_matters_where_there_is_one(tmp_path: Path) -> None:
    recipe = alone(tmp_path)
    clips = prepare(recipe, quiet=True)
    for change in (
        replace(recipe, student=replace(recipe.student, lr=0.01)),
        replace(recipe, seed=1),
        replace(recipe, network=replace(recipe.network, width=5)),
    ):
        assert rival_folder(change, PotConfig(), clips) != rival_folder(recipe, PotConfig(), clips)
        assert rival_folder(change, PotConfig(("hog",)), clips) == rival_folder(
            recipe, PotConfig(("hog",)), clips
        )


def test_the_network_is_the_recipes_own_student_trained_once(tmp_path: Path) -> None:
    """Trained before, it is taken as it is; its weights are in the model's file, whole."""
    recipe = alone(tmp_path)
    student = run(recipe, quiet=True)
    written = student.models["student"].stat().st_mtime_ns
    model = load_pot(run_rival(recipe, PotConfig(("hof", "cnn")), quiet=True) / "model.safetensors")
    assert [p.name for p in (tmp_path / "run" / "phases").glob("student-*")] == [
        student.folders["student"].name
    ]
    assert student.models["student"].stat().st_mtime_ns == written
    assert model.network is not None
    network, contract = load_model(student.models["student"])
    assert model.network.contract == contract
    for name, value in network.state_dict().items():
        torch.testing.assert_close(model.network.network.state_dict()[name], value, rtol=0, atol=0)
    clips = prepare(recipe, quiet=True).train
    lengths = [len(list((tmp_path / "clips" / clip.id).glob("*.png"))) for clip in clips]
    assert model.frames == round(sum(lengths) / len(lengths))
    support, length = model.vectors.shape
    assert length == 4 * 15 * (200 + 32)
    assert model.multiply_adds == model.frames * model.network.multiply_adds + support * (length + 2)
    numbers = sum(p.numel() for p in network.parameters()) + support * length + 2 * support + 2 + 8
    assert model.parameters == numbers


def test_first_weights_are_the_networks(tmp_path: Path) -> None:
    """Without a network there is nothing that could start from them, which is said before anything is trained."""
    recipe = alone(tmp_path)
    started = replace(recipe, student=replace(recipe.student, initial=str(tmp_path / "none.pth")))
    with pytest.raises(FarviewError, match=r"student\.initial: pot has no weights"):
        check_rival(started, PotConfig(("hog",)))
    with pytest.raises(FarviewError, match=r"none\.pth: no such file"):
        check_rival(started, PotConfig())
    flow = replace(recipe, input=replace(recipe.input, stream="flow"))
    for config in (PotConfig(("hog",)), I3dConfig(streams=("rgb",))):
        with pytest.raises(FarviewError, match=r"input\.stream: flow; a rival takes frames"):
            check_rival(flow, config)
    with pytest.raises(FarviewError, match="too small for resnet18"):
        check_rival(replace(recipe, input=replace(recipe.input, size=(4, 4))), PotConfig())


def test_test_clips_do_not_change_the_model(tmp_path: Path) -> None:
    recipe = alone(tmp_path)
    clips = prepare(recipe, quiet=True)
    first = train_pot(recipe, PotConfig(("hog",)), clips)
    second = train_pot(recipe, PotConfig(("hog",)), replace(clips, test=(), val=()))
    np.testing.assert_array_equal(first.svm.coefficients, second.svm.coefficients)
    np.testing.assert_array_equal(first.scales, second.scales)


def test_the_file_is_the_same_for_the_same_model_and_says_what_it_is_not(tmp_path: Path) -> None:
    videos = np.random.default_rng(0).integers(0, 256, (6, 4, 12, 16, 1), np.uint8)
    vectors, sizes = pooled(videos, PotConfig(("hog",)))
    labels = np.array([0, 1] * 3)
    model = classifier(
        "pot", PotConfig(("hog",)), ("a", "b"), SensorModel(), vectors, sizes, labels, list("xxyyzz")
    )
    for name in ("one", "two"):
        save_pot(tmp_path / name, model)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with pytest.raises(FarviewError, match="is a rival of Table V"):
        read_contract(tmp_path / "one")
    again = load_pot(tmp_path / "one")
    np.testing.assert_array_equal(again.logits(videos)[0], model.logits(videos)[0])
    (tmp_path / "cut").write_bytes((tmp_path / "one").read_bytes()[:-100])
    with pytest.raises(FarviewError, match="cut: not a whole"):
        read_description(tmp_path / "cut")
    with pytest.raises(FarviewError, match="none: no such model"):
        read_description(tmp_path / "none")


def test_a_clip_without_a_group_stands_for_itself(tmp_path: Path) -> None:
    clips = prepare(alone(tmp_path), quiet=True).train
    mixed = [replace(clip, group="0" if i < 2 else None) for i, clip in enumerate(clips)]
    assert len(set(groups_of(mixed))) == len(clips) - 1


def test_the_sizes_of_a_real_camera(data_root: Path) -> None:
    """Depth video through the sensor, as training sees it."""
    from farview.frames.depth import DepthFile

    with DepthFile(data_root / "msr-action3d" / "a01_s01_e01_sdepth.mat").open() as frames:
        images = frames.read(range(len(frames)))
    seen = SensorModel().degrade(images, range(len(images)))
    vectors, sizes = pooled([seen], PotConfig(("hog", "hof", "mbh")))
    assert vectors.shape == (1, 4 * 15 * 800) and np.isfinite(vectors).all() and len(sizes) == 12
