"""The geometry against NumPy, and HR and eLR moved alike."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from farview.data.augment import enlarge, normalise, sample_gain, sample_geometry, warp
from farview.data.config import AugmentConfig
from farview.errors import FarviewError
from farview.frames.resize import bilinear_matrix

IDENTITY = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=torch.float64)


def video(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(0, 255, shape))


def test_identity_and_mirror() -> None:
    x = video(1, 2, 3, 2, 9, 12)
    torch.testing.assert_close(warp(x, IDENTITY), x)
    mirror = IDENTITY * torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(warp(x, mirror), x.flip(-1))


def test_shift_by_one_pixel_brings_black() -> None:
    x = video(1, 1, 1, 1, 4, 8)
    moved = warp(x, IDENTITY + torch.tensor([[[0, 0, 2 / 8], [0, 0, 0.0]]]))
    torch.testing.assert_close(moved[..., :-1], x[..., 1:])
    assert (moved[..., -1] == 0).all()


def test_each_video_has_its_own_geometry() -> None:
    x = video(2, 2, 1, 2, 5, 6)
    both = torch.cat([IDENTITY, IDENTITY * torch.tensor([-1.0, 1, 1])])
    torch.testing.assert_close(warp(x, both), torch.stack([x[0], x[1].flip(-1)]))


@given(st.integers(0, 10_000))
def test_crops_stay_inside(seed: int) -> None:
    config = AugmentConfig(scale=(0.5, 1.0))
    geometry = sample_geometry(config, np.random.default_rng(seed))
    corners = geometry @ np.array([[-1, 1, -1, 1], [-1, -1, 1, 1], [1, 1, 1, 1]])
    assert np.abs(corners).max() <= 1 + 1e-6
    assert 0.5 <= abs(geometry[1, 1]) <= 1


def test_flip_can_be_switched_off_and_happens_half_the_time() -> None:
    rng = np.random.default_rng(0)
    never = [sample_geometry(AugmentConfig(flip=False), rng)[0, 0] for _ in range(200)]
    half = [sample_geometry(AugmentConfig(), rng)[0, 0] < 0 for _ in range(2000)]
    assert min(never) > 0
    assert 0.45 < np.mean(half) < 0.55


def test_gain_range() -> None:
    rng = np.random.default_rng(0)
    gains = [sample_gain(AugmentConfig(gain=0.2), rng) for _ in range(500)]
    assert 0.8 <= min(gains) < 0.83 and 1.17 < max(gains) <= 1.2


def test_enlarge_is_the_bilinear_matrix() -> None:
    x = video(1, 2, 1, 2, 6, 8)
    rows, columns = (
        torch.from_numpy(np.asarray(bilinear_matrix(o, i), float)) for o, i in ((24, 6), (30, 8))
    )
    torch.testing.assert_close(enlarge(x, (24, 30)), rows @ x @ columns.T)


def test_normalise_by_hand() -> None:
    x = torch.full((1, 1, 2, 1, 1, 1), 255.0)
    assert normalise(x, (0.5, 0.0), (0.25, 2.0)).flatten().tolist() == [2.0, 0.5]


@pytest.mark.parametrize("wrong", [{"scale": (1.0, 0.5)}, {"gain": 1.0}, {"aspect": 0.9}])
def test_wrong_settings_are_named(wrong: dict) -> None:
    with pytest.raises(FarviewError, match="augment"):
        AugmentConfig(**wrong)
