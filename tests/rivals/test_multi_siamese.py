"""The multi-Siamese network: its copies, its embedding, and that one branch is an ordinary network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.rivals.copies import CopiedFrames
from farview.rivals.isr import draw_pool
from farview.rivals.multi_siamese import MultiSiameseConfig, contrastive, pyramid
from farview.rivals.network import Step
from farview.rivals.streams import joined
from farview.rivals.train import stores_of
from farview.training.data import Prepared, prepare
from farview.training.recipe import Recipe
from tests.rivals.networks import batch, loss_after_steps, run_end_to_end
from tests.training.tiny import tiny_recipe

NARROW = MultiSiameseConfig(intervals=Intervals(3, 2), size=(6, 8), width=1 / 8, copies=3, pool=4)
STEP = Step("student", 0, 2)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    made = tiny_recipe(tmp_path_factory.mktemp("siamese"), "--data.val_share", "0.25")
    return replace(made, phases=("teacher", "student"))


@pytest.fixture(scope="module")
def clips(recipe: Recipe) -> Prepared:
    return prepare(recipe, quiet=True)


def test_its_pyramid_has_7680_numbers_and_it_takes_12x16_pixels() -> None:
    config = MultiSiameseConfig(streams=("rgb", "flow"), intervals=Intervals(16, 10))
    network = config.build(51, 3).eval()
    assert network.fc.in_features == 7680
    towers = sum(9 * c * 64 + 9 * 64 * 128 + 9 * 128 * 256 + 3 * (64 + 128 + 256) for c in (3, 20))
    towers += 2 * (3 * 4 * 256 + 1) * 256
    assert sum(p.numel() for p in network.parameters()) == towers + 7681 * 51
    assert network(batch(config, [0], channels=3)).shape == (1, 1, 51)


def test_the_pyramid_takes_the_largest_of_each_part() -> None:
    series = torch.tensor([[[3.0], [1], [4], [1], [5], [9], [2], [6]]])
    expected = [9, 4, 9, 3, 4, 9, 6, 3, 1, 4, 1, 5, 9, 2, 6]
    assert pyramid(series).tolist() == [expected]
    assert pyramid(series[:, :1]).tolist() == [[3] * 15]


def slow(embedded: np.ndarray, margin: float) -> float:
    """The contrastive loss pair by pair."""
    z = embedded / np.linalg.norm(embedded, axis=2, keepdims=True)
    b, n, _ = z.shape
    same = [np.sum((z[v, i] - z[v, j]) ** 2) for v in range(b) for i in range(n) for j in range(i)]
    other = [
        max(0.0, margin - np.linalg.norm(z[v, i] - z[(v + 1) % b, j])) ** 2
        for v in range(b)
        for i in range(n)
        for j in range(n)
    ]
    return float(np.mean(same) + np.mean(other))


def test_the_contrastive_loss_is_that_of_all_pairs() -> None:
    embedded = torch.randn(4, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for margin in (0.5, 1.0, 2.0):
        assert float(contrastive(embedded, margin)) == pytest.approx(slow(embedded.numpy(), margin))


def test_the_contrastive_loss_is_0_where_copies_coincide_and_the_other_lies_past_the_margin() -> None:
    apart = torch.tensor([[1.0, 0.0], [0.0, 3.0]])[:, None].expand(2, 4, 2)  # 1.41 apart when of length 1
    assert contrastive(apart, 1.0) == 0 and contrastive(apart, 1.5) > 0
    moved = apart.clone()
    moved[0, 0, 1] = 0.5
    assert contrastive(moved, 1.0) > 0
    alike = torch.ones(2, 4, 2, requires_grad=True)
    loss = contrastive(alike, 1.0)
    assert loss.item() == pytest.approx(1.0, abs=1e-2)  # rounding, under a root
    loss.backward()
    assert torch.isfinite(alike.grad).all()
    assert contrastive(torch.randn(1, 1, 5), 1.0) == 0  # nothing to compare


def test_one_branch_without_the_contrastive_loss_is_a_plain_network(clips: Prepared, recipe: Recipe) -> None:
    plain = replace(NARROW, copies=1, weight=0.0)
    assert not plain.uses_hr
    stores = stores_of(recipe, clips, plain, quiet=True)
    keys = [(1, 0), (1, 2), (1, 5)]
    alone = plain.samples(clips, stores, recipe, train=True).__getitems__(keys)
    copied = NARROW.samples(clips, stores, recipe, train=True).__getitems__(keys)
    for stream, part in alone.parts.items():
        assert torch.equal(copied.parts[stream].elr[::3], part.elr)  # the first copy is the video itself
        assert torch.equal(copied.parts[stream].geometry[::3], part.geometry)
    torch.manual_seed(0)
    network = plain.build(2, clips.channels).eval()
    terms = network.terms(alone, STEP)
    expected = F.cross_entropy(network(alone)[:, 0], alone.labels)
    assert torch.equal(terms["total"], expected) and torch.equal(terms["ce"], expected)


def test_weights_and_what_testing_gives_do_not_depend_on_the_number_of_copies() -> None:
    seen = batch(NARROW, [0, 1])
    found = []
    for copies in (1, 2, 4):
        torch.manual_seed(0)
        network = replace(NARROW, copies=copies).build(3, 1).eval()
        found.append((sum(p.numel() for p in network.parameters()), network(seen)))
    assert len({count for count, _ in found}) == 1
    assert all(torch.equal(logits, found[0][1]) for _, logits in found)


def test_copies_differ_in_the_camera_alone_and_are_drawn_anew(clips: Prepared, recipe: Recipe) -> None:
    samples = NARROW.samples(clips, stores_of(recipe, clips, NARROW, quiet=True), recipe, train=True)
    assert isinstance(samples, CopiedFrames) and len(samples) == len(clips.train)
    seen = samples.__getitems__([(0, 1), (0, 4)])
    assert seen.clips == [clips.train[1].id] * 3 + [clips.train[4].id] * 3
    for part in seen.parts.values():
        assert len({each.numpy().tobytes() for each in part.elr}) == 6
        assert len({each.numpy().tobytes() for each in part.geometry}) == 2
    drawn = {tuple(samples.chosen((epoch, 1))) for epoch in range(30)}
    assert len(drawn) == 6 and {each[0] for each in drawn} == {0}  # ordered pairs of three others
    assert all(len(set(each)) == 3 for each in drawn)
    assert len(draw_pool(NARROW.pool, recipe.seed)) == len(samples.every)


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    seen = joined([batch(NARROW, [i] * 3, seed=i) for i in range(3)])
    first, last = loss_after_steps(NARROW.build(3, 1), seen, STEP)
    assert last < 0.7 * first


def test_it_runs_end_to_end(tmp_path: Path) -> None:
    folder = run_end_to_end(tmp_path, NARROW, "--augment.fresh_noise", "true")
    assert "train/contrastive" in (folder / "student" / "history.csv").read_text().splitlines()[0]


@pytest.mark.parametrize("wrong", [{"copies": 0}, {"copies": 17}, {"weight": -1.0}, {"margin": 0.0}])
def test_options_that_cannot_work_are_refused(wrong: dict) -> None:
    with pytest.raises(FarviewError, match=next(iter(wrong))):
        MultiSiameseConfig(**wrong)
