"""Averages by area, against an upsampled-and-pooled reference and OpenCV."""

import cv2
import numpy as np
import torch

from farview.transfer.area import area_matrix, area_mean, common_grid, to_grid


def test_equals_pooling_of_pixels_cut_into_pieces():
    """Each of 5x7 pixels is cut into 3x4 pieces; 3x4 cells then hold 5x7 whole pieces each."""
    maps = torch.rand(2, 3, 1, 5, 7, dtype=torch.float64)
    pieces = maps[:, :, 0].repeat_interleave(3, 2).repeat_interleave(4, 3)  # (2, 3, 15, 28)
    expected = torch.nn.functional.avg_pool2d(pieces, (5, 7))
    torch.testing.assert_close(area_mean(maps, (1, 3, 4)), expected)


def test_equals_opencv():
    frame = np.random.default_rng(0).random((256, 340)).astype(np.float32)
    expected = cv2.resize(frame, (22, 16), interpolation=cv2.INTER_AREA)
    ours = area_mean(torch.from_numpy(frame)[None, None, None], (1, 16, 22))[0, 0]
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-5)


def test_time_is_averaged_alike():
    maps = torch.rand(2, 3, 5, 4, 6, dtype=torch.float64)
    assert torch.allclose(area_mean(maps, (1, 4, 6)), maps.mean(2))
    two = area_mean(maps, (2, 4, 6)).view(2, 3, 2, 4, 6)
    torch.testing.assert_close(two[:, :, 0], (maps[:, :, 0] + maps[:, :, 1] + maps[:, :, 2] / 2) / 2.5)
    torch.testing.assert_close(area_mean(maps, (5, 4, 6)), maps.flatten(1, 2))


def test_rows_sum_to_1_and_growing_repeats():
    for out, size in ((3, 7), (7, 3), (5, 5), (1, 9), (6, 3)):
        np.testing.assert_allclose(area_matrix(out, size).sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(area_matrix(6, 3) @ [1, 2, 3], [1, 1, 2, 2, 3, 3])


def test_leading_axes_are_left_alone():
    maps = torch.rand(2, 3, 4, 5, 6, 7, dtype=torch.float64)  # (B, K, C, T, H, W)
    made = to_grid(maps, (2, 3, 4))
    assert made.shape == (2, 3, 4, 2, 3, 4)
    torch.testing.assert_close(made[1, 2].flatten(0, 1), area_mean(maps[1, 2][None], (2, 3, 4))[0])


def test_the_common_grid_is_the_coarser_of_both_axis_by_axis():
    flat, deep = torch.empty(2, 3, 8, 1, 6, 8), torch.empty(2, 3, 4, 5, 4, 9)
    assert common_grid(flat, deep) == common_grid(deep, flat) == (1, 4, 8)
