"""Flow is moved as the picture is: mirrored and enlarged motion against the flow of mirrored and enlarged frames."""

import numpy as np
import torch
from tests.frames.test_flow import moving

from farview.data.augment import as_video, warp, warp_flow
from farview.data.batches import Batch
from farview.frames.flow import FlowConfig, flow

IDENTITY = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
MIRROR = IDENTITY * torch.tensor([-1.0, 1, 1])
CONFIG = FlowConfig()


def batch_of(frames: np.ndarray, geometry: torch.Tensor | None, gain: torch.Tensor | None = None) -> Batch:
    video = torch.from_numpy(frames)[None, None]  # (1, 1, T, H, W, C)
    return Batch(["a"], torch.zeros(1, dtype=torch.int64), video, video, geometry, gain)


def test_a_mirrored_video_moves_the_other_way() -> None:
    frames = moving((3, 1), 2, (64, 84))
    levels = flow(frames[0], frames[1], CONFIG)
    mirrored = batch_of(levels[None], MIRROR).hr_video((64, 84))[0, 0, :, 0]  # type: ignore[index]
    x, y = levels[..., 0].astype(float), levels[..., 1].astype(float)
    np.testing.assert_allclose(mirrored[0].numpy(), 256 - x[:, ::-1], atol=1e-3)
    np.testing.assert_allclose(mirrored[1].numpy(), y[:, ::-1], atol=1e-3)
    afresh = flow(frames[0][:, ::-1].copy(), frames[1][:, ::-1].copy(), CONFIG)
    inner = np.s_[:, 8:-8, 8:-8]
    np.testing.assert_allclose(mirrored.numpy()[inner], afresh.transpose(2, 0, 1)[inner], atol=3)


def test_an_enlarged_crop_moves_faster() -> None:
    frames = moving((2, -1), 2, (64, 84))
    half = torch.tensor([[[0.5, 0, 0.1], [0, 0.5, -0.2]]])
    levels = torch.from_numpy(flow(frames[0], frames[1], CONFIG))[None, None, None]
    moved = warp_flow(as_video(levels), half)[0, 0, :, 0]
    crop = (
        warp(as_video(torch.from_numpy(frames)[None, None]), half)[0, 0, 0].round().byte().numpy()[..., None]
    )
    afresh = flow(crop[0], crop[1], CONFIG)
    for channel in range(2):
        found, expected = (np.median(a - 128.0) for a in (moved[channel].numpy(), afresh[..., channel]))
        assert abs(found - expected) < 2 and abs(expected) > 20


def test_nothing_moves_where_the_picture_ends() -> None:
    levels = np.full((1, 8, 8, 2), 200, np.uint8)
    outside = torch.tensor([[[2.0, 0, 0], [0, 2, 0]]])
    moved = batch_of(levels, outside).hr_video((8, 8))[0, 0, :, 0]  # type: ignore[index]
    assert (moved[:, 0] == 128).all() and torch.allclose(moved[:, 4, 4], torch.tensor(128 + 72 / 2))


def test_motion_has_no_brightness() -> None:
    levels = np.random.default_rng(0).integers(1, 256, (3, 6, 8, 2), dtype=np.uint8)
    gain = torch.tensor([0.5])
    for video in batch_of(levels, None, gain).videos((6, 8)):
        assert torch.equal(video, as_video(torch.from_numpy(levels)[None, None]))
    grey = levels[..., :1]
    assert torch.equal(
        batch_of(grey, None, gain).hr_video((6, 8)), 0.5 * as_video(torch.from_numpy(grey)[None, None])
    )
