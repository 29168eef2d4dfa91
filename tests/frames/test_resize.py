"""Cropping and resizing against PyTorch, exact fractions and hand-worked values."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from farview.frames.resize import bilinear_matrix, center_crop, hr_frames

SIZES = st.integers(1, 40)


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.sampled_from([(3, 4), (12, 16), (18, 24), (1, 1), (8, 8), (9, 5)]),
)
def test_crop_is_centred_and_as_large_as_its_aspect_allows(
    height: int, width: int, aspect: tuple[int, int]
) -> None:
    top, left, h, w = center_crop(height, width, *aspect)
    assert (2 * top + h, 2 * left + w) == (height, width)  # equally much on either side
    assert h >= 1 and w >= 1 and top >= 0 and left >= 0
    assert top == 0 or left == 0
    exact_h = min(Fraction(height), Fraction(width * aspect[0], aspect[1]))
    exact_w = exact_h * aspect[1] / aspect[0]
    for length, exact in ((h, exact_h), (w, exact_w)):
        assert abs(length - exact) <= 1 or (exact < 1 and length <= 2)  # never less than one pixel


@pytest.mark.parametrize(
    ("frame", "window"),
    [
        ((256, 340), (0, 0, 256, 340)),  # the paper's input: 255 rows would be off centre
        ((1080, 1920), (0, 240, 1080, 1440)),
        ((240, 320), (0, 0, 240, 320)),
        ((640, 480), (140, 0, 360, 480)),
        ((1, 1), (0, 0, 1, 1)),
    ],
)
def test_crop_of_known_sizes(frame: tuple[int, int], window: tuple[int, int, int, int]) -> None:
    assert center_crop(*frame, 3, 4) == window


@given(SIZES, SIZES, SIZES, SIZES)
def test_bilinear_matrix_equals_torch(h: int, w: int, height: int, width: int) -> None:
    x = np.random.default_rng([h, w]).random((h, w))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(x)[None, None], (height, width), mode="bilinear", align_corners=False
    )
    ours = bilinear_matrix(height, h) @ x @ bilinear_matrix(width, w).T
    np.testing.assert_allclose(ours, expected[0, 0].numpy(), atol=1e-12)
    np.testing.assert_allclose(bilinear_matrix(height, h).sum(1), 1, atol=1e-12)


def test_hr_frames_average_whole_blocks_of_the_window() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 36, 64, 3), dtype=np.uint8)
    blocks = frames[:, :, 8:56].reshape(3, 9, 4, 12, 4, 3).astype(float).mean((2, 4))
    assert np.abs(hr_frames(frames, (9, 12), (3, 4)) - blocks).max() <= 1  # halved twice, rounded twice
    ninths = frames[:, :, 8:56].reshape(3, 12, 3, 16, 3, 3).astype(float).mean((2, 4))
    odd = (
        np.repeat(np.repeat(ninths, 3, 1), 3, 2)[:, :33, :45].round().astype(np.uint8)
    )  # 33x45: 3:4 of 33x44
    assert np.abs(hr_frames(odd, (11, 15), (11, 15)) - ninths[:, :11, :15]).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("frame", [(240, 320), (361, 641), (720, 1280), (123, 457)])
@pytest.mark.parametrize("size", [(64, 85), (128, 170)])
def test_hr_frames_are_close_to_the_average_by_area(frame: tuple[int, int], size: tuple[int, int]) -> None:
    """Of a smooth scene with sharp edges, as cameras give."""
    y, x = np.mgrid[: frame[0], : frame[1]] / frame[1]
    scene = 128 + 80 * np.sin(25 * x + 9 * y) + 40 * (np.hypot(x - 0.5, y - 0.3) < 0.1)
    frames = scene.clip(0, 255).astype(np.uint8)[None, :, :, None]
    top, left, h, w = center_crop(*frame, 3, 4)
    window = frames[0, top : top + h, left : left + w].astype(np.float32)
    area = cv2.resize(window, size[::-1], interpolation=cv2.INTER_AREA)
    ours = hr_frames(frames, size, (3, 4))[0, :, :, 0]
    assert np.sqrt(np.mean((ours - area) ** 2)) < 2.5


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(24, 32), (12, 50), (50, 10), (12, 16), (5, 7)])
def test_hr_frames_shrink_enlarge_and_mix(channels: int, size: tuple[int, int]) -> None:
    ramp = np.linspace(0, 255, 16 * 16).reshape(1, 16, 16, 1).repeat(channels, 3).astype(np.uint8)
    out = hr_frames(ramp, size, (3, 4))
    assert out.shape == (1, *size, channels) and out.dtype == np.uint8
    window = ramp[:, 2:14].astype(float)
    assert abs(out.mean() - window.mean()) < 1.5
    assert np.all(np.diff(out[0, :, 0, 0].astype(int)) >= 0)  # the ramp stays a ramp
    constant = np.full((2, 16, 16, channels), 77, np.uint8)
    assert np.all(hr_frames(constant, size, (3, 4)) == 77)


def test_hr_frames_enlarge_as_the_bilinear_matrix_does() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (1, 9, 12, 3), dtype=np.uint8)
    exact = bilinear_matrix(21, 9) @ np.moveaxis(frames[0], 2, 0) @ bilinear_matrix(30, 12).T
    assert np.abs(np.moveaxis(hr_frames(frames, (21, 30), (3, 4))[0], 2, 0) - exact).max() <= 1


def test_frames_of_the_right_size_pass_unchanged() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 256, 340, 3), dtype=np.uint8)
    np.testing.assert_array_equal(hr_frames(frames, (256, 340), (3, 4)), frames)
