"""What makes ISR: different eLR videos of one HR video, chosen on training clips alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from farview.errors import FarviewError
from farview.rivals import isr
from farview.rivals.descriptors import Descriptor
from farview.rivals.isr import (
    IDENTITY,
    IsrConfig,
    Transform,
    choose,
    copy_of,
    draw_pool,
    entropy,
    inner_parts,
    train_isr,
)
from farview.rivals.pot import PotConfig, train_pot
from farview.rivals.pot_file import load_pot
from farview.rivals.run import run_rival
from farview.training.data import Prepared, prepare
from farview.training.recipe import Recipe
from tests.training.tiny import tiny_recipe

HOG = PotConfig(("hog",))
SMALL = IsrConfig(("hog",), copies=3, pool=6, search_clips=6)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    made = tiny_recipe(
        tmp_path_factory.mktemp("isr"), "--data.val_share", "0.25", "--input.sensor.noise", "0"
    )
    return replace(made, phases=("teacher", "student"))


@pytest.fixture(scope="module")
def clips(recipe: Recipe) -> Prepared:
    return prepare(recipe, quiet=True)


def test_the_pool_has_different_transforms_within_their_ranges_and_the_identity_first() -> None:
    drawn = draw_pool(100, seed=3)
    assert len(set(drawn)) == 100 and drawn[0] == IDENTITY
    assert draw_pool(100, seed=3) == drawn != draw_pool(100, seed=4)
    assert draw_pool(7, seed=3) == drawn[:7]
    for each in drawn:
        assert abs(each.right) <= 0.5 and abs(each.down) <= 0.5 and abs(each.scale - 1) <= 0.1
        assert abs(each.turn) <= 5 and 0 <= each.blur <= 0.5


def test_their_elr_videos_differ_from_one_another(clips: Prepared, recipe: Recipe) -> None:
    source, sensor = clips.train[0].source, recipe.input.sensor
    copies = [copy_of(source, each, clips.store, sensor) for each in draw_pool(12, seed=0)]
    assert len({copy.tobytes() for copy in copies}) == 12
    assert {copy.shape for copy in copies} == {clips.store.elr(source).shape}
    assert all(abs(copy.mean() - copies[0].mean()) < 10 for copy in copies)  # the same scene


def test_half_an_elr_pixel_is_that_much(recipe: Recipe) -> None:
    """A step moved right by half of a 4x4 pixel: the pixel at its edge becomes half grey."""
    frames = np.zeros((1, 24, 32, 1), np.uint8)
    frames[..., 16:, :] = 200
    moved = Transform(right=0.5).apply(frames, (4.0, 4.0))
    np.testing.assert_array_equal(moved[0, 5, :, 0], np.repeat([0, 200], [18, 14]))
    sensor = replace(recipe.input.sensor, noise=0.0, blur=0.0)
    np.testing.assert_array_equal(sensor.degrade(moved, [0])[0, 2, :, 0], [0] * 4 + [100] + [200] * 3)
    down = Transform(down=0.5).apply(frames.transpose(0, 2, 1, 3), (4.0, 4.0))
    np.testing.assert_array_equal(down[0, :, 5, 0], moved[0, 5, :, 0])


def test_scale_turn_and_blur_do_what_they_say() -> None:
    frames = np.zeros((1, 33, 33, 3), np.uint8)
    frames[0, 16, 22] = 255  # six to the right of the centre
    quarter = Transform(turn=90).apply(frames, (3.0, 3.0))
    assert np.unravel_index(quarter[0, ..., 0].argmax(), (33, 33)) == (10, 16)
    larger = Transform(scale=1.5).apply(frames, (3.0, 3.0))
    assert np.unravel_index(larger[0, ..., 1].argmax(), (33, 33)) == (16, 25)
    blurred = Transform(blur=0.5).apply(frames, (3.0, 3.0))
    assert blurred.max() < 40 and blurred[0, 16, 22, 2] == blurred.max()
    np.testing.assert_array_equal(IDENTITY.apply(frames, (3.0, 3.0)), frames)


def test_one_copy_is_pot(clips: Prepared, recipe: Recipe) -> None:
    one = train_isr(recipe, replace(SMALL, copies=1), clips)
    pot = train_pot(recipe, HOG, clips)
    for name in ("coefficients", "intercept", "c", "temperature"):
        np.testing.assert_array_equal(getattr(one.svm, name), getattr(pot.svm, name))
    np.testing.assert_array_equal(one.vectors, pot.vectors)
    np.testing.assert_array_equal(one.scales, pot.scales)


def test_the_choice_is_the_transform_with_the_largest_entropy_and_none_twice(
    clips: Prepared, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[np.ndarray] = []

    def spy(logits: np.ndarray) -> np.ndarray:
        measured.append(entropy(logits))
        return measured[-1]

    monkeypatch.setattr(isr, "entropy", spy)
    chosen = choose(recipe, SMALL, clips)
    pool = draw_pool(6, seed=0)
    assert len(set(chosen)) == 3 and chosen[0] == IDENTITY
    taken = [0]
    for each in measured:
        unsure = {i: float(part.mean()) for i, part in enumerate(np.split(each, 6)) if i not in taken}
        taken.append(max(unsure, key=unsure.__getitem__))
    assert chosen == tuple(pool[i] for i in taken)


def test_validation_and_test_clips_are_never_looked_at(
    clips: Prepared, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: set[str] = set()
    honest = isr.copy_of

    def spy(source, *others):
        looked.add(source.name)
        return honest(source, *others)

    monkeypatch.setattr(isr, "copy_of", spy)
    train_isr(recipe, SMALL, clips)
    assert looked == {clip.source.name for clip in clips.train}


def test_the_inner_parts_share_no_group_and_stay_within_their_number(clips: Prepared) -> None:
    grouped = [replace(clips.train[0], id=str(i), label=i % 3, group=str(i // 6)) for i in range(60)]
    learned, judged = inner_parts(grouped, 30, seed=1)
    assert len(learned) == 20 and len(judged) == 10
    assert not {clip.group for clip in learned} & {clip.group for clip in judged}
    assert inner_parts(grouped[:3], 30, seed=1) == (
        grouped[:3],
        grouped[:3],
    )  # a clip a class: nothing to hold out


def test_entropy_of_the_even_and_the_sure() -> None:
    np.testing.assert_allclose(entropy(np.array([[0.0, 0.0], [1000.0, 0.0]])), [np.log(2), 0])


@pytest.mark.parametrize("wrong", [{"copies": 0}, {"copies": 65}, {"search_clips": 1}])
def test_options_that_cannot_work_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(FarviewError, match=next(iter(wrong))):
        IsrConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("descriptors", [("hog", "hof"), ("hog", "hof", "cnn")])
def test_it_runs_end_to_end_and_says_which_transforms_it_chose(
    descriptors: tuple[Descriptor, ...], recipe: Recipe, clips: Prepared
) -> None:
    folder: Path = run_rival(recipe, replace(SMALL, descriptors=descriptors), clips, quiet=True)
    model = load_pot(folder / "model.safetensors")
    assert (model.network is not None) == ("cnn" in descriptors)
    assert model.method == "isr" and model.accuracy["test"]["prec1"] >= 75
    transforms = [Transform(**each) for each in model.trained["transforms"]]
    assert len(transforms) == 3 and set(transforms) <= set(draw_pool(6, recipe.seed))
    assert (folder / "test-predictions.csv").is_file() and (folder / "validation-predictions.csv").is_file()
