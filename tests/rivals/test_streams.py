"""What rival networks see: frames and flow in one geometry, at the same moments."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farview.data.batches import Batch
from farview.data.config import AugmentConfig
from farview.frames.intervals import Intervals
from farview.rivals.eflow import BOUND, FlowStore, flow_frames
from farview.rivals.streams import StreamFrames, Streams, resized, stream_frames
from farview.training.data import Prepared, prepare
from tests.training.tiny import tiny_recipe


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tiny_recipe(tmp_path_factory.mktemp("streams")), quiet=True)


def moving(right: int, down: int, frames: int = 4) -> np.ndarray:
    """A smooth blob on 48x64 pixels that moves so many pixels a frame, (T, H, W, 1)."""
    y, x = np.mgrid[:48, :64]
    blobs = [
        np.exp(-((x - 30 - right * t) ** 2 + (y - 22 - down * t) ** 2) / 60)
        + 0.1 * np.sin(x / 3) * np.sin(y / 3)
        for t in range(frames)
    ]
    return np.clip(np.stack(blobs) * 180 + 30, 0, 255).astype(np.uint8)[..., None]


def test_flow_says_where_the_picture_moves_and_is_level_at_rest() -> None:
    still = flow_frames(np.repeat(moving(0, 0, 1), 3, axis=0))
    assert still.shape == (3, 48, 64, 2) and still.dtype == np.uint8
    np.testing.assert_array_equal(still, 128)
    found = flow_frames(moving(2, -1)).astype(float) - 128
    centre = found[0, 20:25, 28:33].mean((0, 1)) / 127 * BOUND * 64  # pixels
    np.testing.assert_allclose(centre, [2, -1], atol=0.4)
    np.testing.assert_array_equal(found[-1], found[-2])
    assert flow_frames(moving(0, 0, 1)).shape == (1, 48, 64, 2)  # a single frame has no motion


def test_flow_is_computed_once_and_no_more_is_kept_than_there_is_room(clips: Prepared) -> None:
    store, source = FlowStore(clips.store), clips.train[0].source
    first = store.elr(source)
    assert store.elr(source) is first and store.length(source) == len(first)
    assert store.hr(source).shape == (*np.shape(clips.store.hr(source))[:3], 2)
    store._kept.clear()
    store._room = 0
    np.testing.assert_array_equal(store.elr(source), first)
    assert not store._kept


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


def test_all_streams_show_the_same_moments_in_one_geometry(clips: Prepared) -> None:
    stores = {"rgb": clips.store, "flow": FlowStore(clips.store)}
    augment = AugmentConfig(fresh_noise=False)
    samples: StreamFrames = stream_frames(clips.train, stores, Intervals(2, 3), hr=True, augment=augment)
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
