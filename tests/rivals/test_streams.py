"""What rival networks see: frames and flow in one geometry, at the same moments."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farview.data.batches import Batch
from farview.data.config import AugmentConfig
from farview.frames.intervals import Intervals
from farview.rivals.i3d import I3dConfig
from farview.rivals.streams import Streams, resized, stream_frames
from farview.rivals.train import stores_of
from farview.training.data import Prepared, prepare
from farview.training.recipe import Recipe
from tests.training.tiny import tiny_recipe


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return tiny_recipe(tmp_path_factory.mktemp("streams"))


@pytest.fixture(scope="module")
def clips(recipe: Recipe) -> Prepared:
    return prepare(recipe, quiet=True)


@pytest.fixture(scope="module")
def stores(recipe: Recipe, clips: Prepared) -> dict:
    return stores_of(recipe, clips, I3dConfig(), hr=True, quiet=True)


def part(
    video: torch.Tensor, geometry: list[list[float]] | None = None, gain: float | None = None
) -> Streams:
    """One clip (T, H, W, C) as the eLR frames of a batch."""
    g = None if geometry is None else torch.tensor([geometry])
    return Streams(
        {
            "rgb": Batch(
                ["a"],
                torch.tensor([0]),
                None,
                video[None, None],
                g,
                None if gain is None else torch.tensor([gain]),
            )
        }
    )


def test_grey_levels_and_flow_are_from_minus_one_to_one() -> None:
    grey = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 3, 1)
    torch.testing.assert_close(part(grey).see("rgb", (1, 3)).flatten(), torch.tensor([-1, -0.6, 1.0]))
    brighter = part(grey, gain=2.0).see("rgb", (1, 3)).flatten()
    torch.testing.assert_close(brighter, torch.tensor([-1, -0.2, 1.0]))
    flow = torch.tensor([[1, 128], [255, 0]], dtype=torch.uint8).view(1, 1, 2, 2)
    seen = part(flow, gain=2.0).see("rgb", (1, 2))  # no brightness to change
    torch.testing.assert_close(seen[0, 0, :, 0, 0], torch.tensor([[-1.0, 1.0], [0.0, -1.0]]))


def test_mirrored_and_enlarged_pictures_move_so_too() -> None:
    flow = torch.full((1, 8, 8, 2), 128, dtype=torch.uint8)
    flow[..., 0], flow[..., 1] = 160, 112  # right, up
    mirrored = part(flow, [[-0.5, 0, 0], [0, 0.8, 0]]).see("rgb", (8, 8))
    right, down = mirrored[0, 0, :, 0, 4, 4].tolist()
    assert right == pytest.approx(-32 / 127 / 0.5) and down == pytest.approx(-16 / 127 / 0.8)
    outside = part(flow, [[2.0, 0, 0], [0, 2.0, 0]]).see("rgb", (8, 8))
    assert not outside[0, 0, :, 0, 0, 0].any()  # at rest beside the frame
    grey = torch.full((1, 8, 8, 1), 255, dtype=torch.uint8)
    assert part(grey, [[2.0, 0, 0], [0, 2.0, 0]]).see("rgb", (8, 8))[0, 0, 0, 0, 0, 0] == -1  # black


def test_shrinking_averages() -> None:
    """A checkerboard becomes its mean, not one of its colours."""
    board = torch.zeros(1, 1, 1, 1, 32, 32)
    board[..., ::2, ::2] = board[..., 1::2, 1::2] = 1.0
    small = resized(board, (4, 4))
    assert small.shape[-2:] == (4, 4) and (small - 0.5).abs().max() < 0.05


def test_all_streams_show_the_same_moments_in_one_geometry(clips: Prepared, stores: dict) -> None:
    samples = stream_frames(clips.train, stores, Intervals(2, 3), hr=True, augment=AugmentConfig())
    seen = samples.__getitems__([(3, 0), (3, 1)])
    rgb, flow = seen.parts["rgb"], seen.parts["flow"]
    assert seen.clips == [clip.id for clip in clips.train[:2]] and len(samples) == len(clips.train)
    assert torch.equal(rgb.geometry, flow.geometry) and rgb.hr.shape == (2, 2, 3, 24, 32, 3)
    assert flow.hr.shape == (2, 2, 3, 24, 32, 2) and flow.elr.shape == (2, 2, 3, 6, 8, 2)
    for source, of_rgb, of_flow in zip((c.source for c in clips.train), rgb.elr, flow.elr, strict=False):
        whole, motion = clips.store.elr(source), stores["flow"].elr(source)
        for frame, field in zip(of_rgb.flatten(0, 1), of_flow.flatten(0, 1), strict=True):
            at = [t for t in range(len(whole)) if np.array_equal(whole[t], frame)]
            assert any(np.array_equal(motion[t], field) for t in at)


def test_hr_is_missed_where_there_is_none(clips: Prepared) -> None:
    seen = stream_frames(clips.train, {"rgb": clips.store}, Intervals(2, 1)).__getitems__([(0, 0)])
    assert seen.see("rgb", (6, 8)).shape == (1, 2, 3, 1, 6, 8)
    with pytest.raises(ValueError, match="no HR frames"):
        seen.see("rgb", (6, 8), hr=True)


def test_moving_to_a_device_moves_every_stream(tmp_path: Path) -> None:
    frames = torch.zeros(1, 1, 2, 2, 1, dtype=torch.uint8)
    seen = part(frames[0])
    both = Streams(seen.parts | {"flow": replace(seen.parts["rgb"])})
    assert {each.elr.device.type for each in both.to("meta").parts.values()} == {"meta"}
