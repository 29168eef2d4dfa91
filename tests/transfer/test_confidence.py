"""What the maps share: normalisation, threshold, stages, spread, and the score of a video."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from farview.transfer.area import area_mean
from farview.transfer.confidence import confidence_of, grey, is_kept, spread, trusted
from farview.transfer.tat import video_score


def test_grey_is_opencvs_luma():
    frame = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    video = torch.from_numpy(frame).permute(2, 0, 1)[None, None, :, None].double()
    expected = cv2.cvtColor(frame.astype(np.float32), cv2.COLOR_RGB2GRAY)
    np.testing.assert_allclose(grey(video)[0, 0, 0].numpy(), expected, atol=1e-3)
    assert torch.equal(grey(video[:, :, :1]), video[:, :, 0])
    torch.testing.assert_close(grey(video[:, :, :2]), video[:, :, :2].mean(2))


def test_confidence_by_hand():
    change = torch.tensor([[[0.0, 30.0], [60.0, 120.0]], [[0.0, 0.0], [0.0, 0.0]]])
    expected = torch.tensor([[[1.0, 0.75], [0.5, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
    assert torch.equal(confidence_of(change), expected)


def test_soft_and_binary_threshold_by_hand():
    confidence = torch.tensor([0.2, 0.5, 0.8, 1.0])
    assert torch.equal(trusted(confidence, 0.5, binary=False), torch.tensor([0.0, 0.5, 0.8, 1.0]))
    assert torch.equal(trusted(confidence, 0.5, binary=True), torch.tensor([0.0, 1.0, 1.0, 1.0]))
    assert torch.equal(trusted(confidence, 1.0, binary=False), torch.tensor([0.0, 0.0, 0.0, 1.0]))


@pytest.mark.parametrize("binary", [False, True])
def test_gradient_passes_above_the_threshold_only(binary):
    confidence = torch.tensor([0.2, 0.6, 0.9], requires_grad=True)
    trusted(confidence, 0.5, binary).sum().backward()
    assert confidence.grad is not None and torch.equal(confidence.grad, torch.tensor([0.0, 1.0, 1.0]))


def test_spread_by_hand():
    uniform = torch.full((1, 1, 1, 4, 5), 0.3, dtype=torch.float64)
    peak = torch.zeros_like(uniform)
    peak[..., 2, 2] = 1
    half = torch.ones_like(uniform)
    half[..., :2, :] = 0
    for maps, expected in ((uniform, 1), (peak, 1 / 20), (half, 0.5), (0 * half, 0)):
        assert spread(maps, 0).item() == pytest.approx(expected, abs=1e-4)
    p = np.random.default_rng(0).random(20)
    random = torch.from_numpy(p.copy()).view_as(uniform)
    for threshold in (0, 0.4):
        held = np.where(p >= threshold, p, 0)
        held = held[held > 0] / held.sum()
        expected = np.exp(-(held * np.log(held)).sum()) / 20
        assert spread(random, threshold).item() == pytest.approx(expected, abs=1e-4)
    assert spread(uniform, 0.31).item() == pytest.approx(0, abs=1e-6)
    two = torch.stack((uniform, half), 1).flatten(1, 2)
    assert spread(two, 0).item() == pytest.approx(0.75, abs=1e-4)


def test_gradient_of_the_spread():
    maps = torch.rand(2, 2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda m: spread(m, 0), maps)


@pytest.mark.parametrize("level", [1.0, 0.0])
def test_spread_pulls_dropped_pixels_back_even_into_an_empty_map(level):
    maps = torch.full((1, 1, 1, 4, 5), level)
    maps[..., 1:3, 2:] = 0.4
    maps.requires_grad_()
    spread(maps, 0.5).sum().backward()
    assert maps.grad is not None and maps.grad.isfinite().all()
    assert (maps.grad[..., 1:3, 2:] > 0.1).all()
    assert (maps.grad[..., 1:3, 2:].min() > maps.grad[..., 0, :].max()) == (level > 0)


def test_gradients_of_normalisation_and_threshold():
    change = torch.rand(1, 2, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda c: area_mean(trusted(confidence_of(c), 0.3, False), (1, 2, 3)), change)


def test_video_score_by_hand():
    """Attention 1 2 / 3 6: only the 6 is above the mean of 3, and its 2x2 pixels keep 3 of 4."""
    attention = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    kept = torch.zeros(1, 1, 1, 4, 4)
    kept[..., 2:, 2:] = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    assert video_score(kept, attention).item() == pytest.approx(0.75)
    both = torch.cat((attention, attention.flip(-1)), 1)  # a second interval: kept 0 of 4 there
    assert video_score(kept.expand(1, 2, 1, 4, 4), both).item() == pytest.approx(0.375)


def test_without_an_informative_area_the_score_is_that_of_the_frame():
    kept = torch.zeros(1, 1, 1, 4, 4)
    kept[..., 0, :] = 1
    assert video_score(kept, torch.full((1, 1, 2, 2), 0.1)).item() == pytest.approx(0.25)


@given(st.integers(0, 1000))
def test_score_lies_in_0_to_1_and_ends_there(seed):
    generator = torch.Generator().manual_seed(seed)
    attention = torch.rand(2, 3, 3, 5, generator=generator)
    confidence = torch.rand(2, 3, 4, 10, 13, generator=generator)  # four frames stacked: one map an interval
    score = video_score(is_kept(confidence, 0.5), attention)
    assert ((score > 0) & (score < 1)).all()
    assert torch.allclose(video_score(torch.ones_like(confidence), attention), torch.ones(2))
    assert video_score(torch.zeros_like(confidence), attention).eq(0).all()
