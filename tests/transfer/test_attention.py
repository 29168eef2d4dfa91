"""Eq. 1."""

import torch
from torch.autograd import gradcheck

from farview.transfer.attention import spatial_attention


def test_sums_absolute_values_over_channels_frame_by_frame():
    stage = torch.tensor([[1.0, -2.0], [-3.0, 0.5], [0.0, 4.0]])  # (C=3, W=2)
    stage = stage.view(1, 1, 3, 1, 1, 2)
    assert torch.equal(spatial_attention(stage), torch.tensor([[[[4.0, 6.5]]]]))


def test_frames_are_intervals_first_then_time():
    stage = torch.randn(2, 3, 5, 4, 6, 7, dtype=torch.float64)
    attention = spatial_attention(stage)
    assert attention.shape == (2, 12, 6, 7)
    k, t = 1, 2
    expected = sum(stage[:, k, c, t].abs() for c in range(5))
    torch.testing.assert_close(attention[:, k * 4 + t], expected)


def test_gradients():
    stage = torch.randn(1, 2, 3, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(spatial_attention, stage)


def test_half_precision_does_not_overflow():
    stage = torch.full((1, 1, 512, 1, 2, 2), 1000.0, dtype=torch.float16)
    assert spatial_attention(stage).eq(512_000).all()


def test_a_coarser_grid_holds_the_averages_of_its_cells():
    """Channels +-: sums of absolute values are 1 2 3 / 4 5 6; each of 1x2 cells is a column and a half."""
    stage = torch.tensor([[[0.5, -2.0, 1.0], [4.0, 2.5, -6.0]], [[-0.5, 0.0, -2.0], [0.0, -2.5, 0.0]]])
    stage = stage.double().view(1, 1, 2, 1, 2, 3)
    made = spatial_attention(stage, (1, 1, 2))
    left, right = (1 + 4 + (2 + 5) / 2) / 3, (3 + 6 + (2 + 5) / 2) / 3
    torch.testing.assert_close(made, torch.tensor([[[[left, right]]]], dtype=torch.float64))


def test_its_own_grid_changes_no_bit():
    stage = torch.randn(2, 3, 5, 4, 6, 7)
    assert torch.equal(spatial_attention(stage, (4, 6, 7)), spatial_attention(stage))
