"""Copies of clips by other cameras: the same numbers as made at once, and none of them in memory."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farview.errors import FarviewError
from farview.rivals import copies
from farview.rivals.copies import CopyStore, copy_stores
from farview.rivals.isr import copy_of, draw_pool
from farview.rivals.streams import flow_at
from farview.training.data import Prepared, prepare
from farview.training.recipe import Recipe
from tests.training.tiny import tiny_recipe

TRANSFORMS = draw_pool(4, seed=3)[1:]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return replace(tiny_recipe(tmp_path), phases=("teacher", "student"))


@pytest.fixture
def clips(recipe: Recipe) -> Prepared:
    return prepare(recipe, quiet=True)


def stores(recipe: Recipe, clips: Prepared, transforms=TRANSFORMS, listed=None) -> list[dict]:
    return copy_stores(listed or clips.train, transforms, ("rgb", "flow"), clips.store, recipe)


def test_frames_are_those_that_each_camera_sees(recipe: Recipe, clips: Prepared) -> None:
    made, sensor = stores(recipe, clips), recipe.input.sensor
    assert len(made) == len(TRANSFORMS)
    for transform, seen in zip(TRANSFORMS, made, strict=True):
        for clip in clips.train:
            expected = copy_of(clip.source, transform, clips.store, sensor)
            length = seen["rgb"].length(clip.source)
            assert length == len(expected) == clips.store.length(clip.source)
            frames = np.array([[0, length - 1], [2, 2]])
            assert np.array_equal(seen["rgb"].elr(clip.source)[frames], expected[frames])
            flow = flow_at(expected, range(length), recipe.input.flow)
            assert np.array_equal(seen["flow"].elr(clip.source)[frames], flow[frames])


def test_files_are_made_once_and_hold_all_frames(
    recipe: Recipe, clips: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stores(recipe, clips)[0]["rgb"].elr(clips.train[0].source)
    files = list(Path(recipe.store).glob("copies/*/*/*"))
    count = sum(clips.store.length(clip.source) for clip in clips.train)
    pixels = count * len(TRANSFORMS) * recipe.input.sensor.height * recipe.input.sensor.width
    assert len(files) == 2 * len(clips.train)  # RGB and flow: 5 bytes a pixel, head and stamp
    assert sum(path.stat().st_size for path in files) == 5 * pixels + len(files) * (128 + 32)
    again = pickle.loads(pickle.dumps(first))  # a loader's process may be sent it
    assert len(pickle.dumps(first)) < 1000 and np.array_equal(again[np.arange(3)], first[np.arange(3)])
    monkeypatch.setattr(copies, "copy_of", None)
    stores(recipe, clips)
    other = replace(recipe, input=replace(recipe.input, sensor=replace(recipe.input.sensor, seed=9)))
    for changed in (
        (other, TRANSFORMS, None),
        (recipe, TRANSFORMS[:2], None),
        (recipe, TRANSFORMS, clips.test),
    ):
        with pytest.raises(TypeError, match="not callable"):
            stores(changed[0], clips, changed[1], changed[2])


def test_a_cut_or_lost_file_is_not_taken_for_whole(recipe: Recipe, clips: Prepared) -> None:
    seen = stores(recipe, clips)[0]["rgb"]
    assert isinstance(seen, CopyStore)
    copies._opened.cache_clear()
    for path in Path(recipe.store).glob("copies/*/*/*"):
        path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FarviewError, match="start again"):
        seen.elr(clips.train[0].source)[np.arange(2)]
    stores(recipe, clips)
    assert len(seen.elr(clips.train[0].source)[np.arange(2)]) == 2


def test_a_call_that_was_cut_is_gone_on_with(
    recipe: Recipe, clips: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clip by clip, with every number right; what the cut one left half-written is removed."""
    honest, seen = copies.copy_of, []

    def cut(source, *rest):
        seen.append(source)
        if len(set(seen)) == 3:
            raise ZeroDivisionError("cut")
        return honest(source, *rest)

    monkeypatch.setattr(copies, "copy_of", cut)
    with pytest.raises(ZeroDivisionError):
        stores(recipe, clips)
    files = list(Path(recipe.store).glob("copies/*/*/*"))
    assert len(files) == 4
    abandoned = files[0].with_name(f".{files[0].name}.0123456789ab.tmp")
    abandoned.write_bytes(b"of a killed process")
    monkeypatch.setattr(copies, "copy_of", honest)
    counted: list[tuple[int, int]] = []
    copy_stores(clips.train, TRANSFORMS, ("rgb", "flow"), clips.store, recipe, lambda *at: counted.append(at))
    total = len(clips.train)
    assert counted == [(done, total) for done in range(2, total + 1)] and not abandoned.exists()


def test_several_processes_make_the_same(recipe: Recipe, clips: Prepared, tmp_path: Path) -> None:
    def content(store: str, decoders: int) -> dict[Path, bytes]:
        there = replace(recipe, store=store, machine=replace(recipe.machine, decoders=decoders))
        made = prepare(there, quiet=True)
        stores(there, made)
        folder = Path(store) / "copies"
        return {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*/*")}

    assert content(str(tmp_path / "one"), 1) == content(str(tmp_path / "two"), 2)


def test_a_store_that_cannot_be_written_is_named(recipe: Recipe, clips: Prepared) -> None:
    (Path(recipe.store) / "copies").write_text("in the way")
    with pytest.raises(FarviewError, match="copies cannot be stored here"):
        stores(recipe, clips)
