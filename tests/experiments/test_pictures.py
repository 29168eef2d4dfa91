"""Pictures of frames, attention and evidence against plain formulas and second implementations."""

import io
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from torch.nn import functional as F

from farview.errors import FarviewError
from farview.experiments.attention_pictures import (
    attention_row,
    channel_average,
    last_maps,
    recorded,
    seen_pixels,
    stage_rows,
)
from farview.experiments.evidence_pictures import evidence_rows
from farview.experiments.pictures import (
    animation,
    encode,
    heat,
    need_viz,
    pixels,
    relative,
    rgb,
    shrink,
    smooth,
    spotlight,
    strip,
)
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.models.contract import Contract, NetworkConfig
from farview.models.model_file import save_model
from farview.models.network import ActionNetwork
from farview.models.recogniser import Recogniser, Recognition
from farview.transfer.attention import spatial_attention
from farview.transfer.config import TransferConfig
from farview.transfer.learned import Extractor


def frames_of(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_pixels_are_squares() -> None:
    frames = frames_of(2, 3, 4, 3)
    np.testing.assert_array_equal(pixels(frames, (9, 20)), frames.repeat(3, 1).repeat(5, 2))
    uneven = pixels(frames, (10, 10))
    assert uneven.shape == (2, 10, 10, 3) and (uneven[:, 0, 0] == frames[:, 0, 0]).all()


def test_maps_are_resized_as_the_networks_input_is() -> None:
    maps = np.random.default_rng(0).random((2, 4, 5))
    expected = F.interpolate(torch.tensor(maps)[None], size=(60, 80), mode="bilinear", align_corners=False)[0]
    np.testing.assert_allclose(smooth(maps, (60, 80)), expected, atol=1e-6)


def test_even_attention_leaves_frames_alone_and_none_makes_them_black() -> None:
    frames = frames_of(2, 12, 16, 1)
    np.testing.assert_array_equal(spotlight(frames, relative(np.full((2, 3, 4), 7.0))), rgb(frames))
    assert spotlight(frames, np.zeros((2, 3, 4))).max() == 0
    half = spotlight(frames, np.full((2, 3, 4), 0.5))
    np.testing.assert_array_equal(half, np.rint(rgb(frames) / 2).astype(np.uint8))


def test_heat_is_blue_where_there_is_none_and_red_at_the_most() -> None:
    grey = np.full((1, 8, 16, 3), 128, np.uint8)
    ramp = np.linspace(0, 1, 16)[None, None].repeat(8, 1)
    shown = heat(grey, ramp).astype(int)
    left, right = shown[0, 4, 1], shown[0, 4, 14]
    assert left[2] > left[0] and right[0] > right[2]


def test_relative_keeps_proportions() -> None:
    maps = np.array([[[1.0, 2.0]], [[4.0, 0.0]]])
    np.testing.assert_allclose(relative(maps), maps / 4)
    assert np.isfinite(relative(np.zeros((1, 2, 2)))).all()


def test_strip_has_transparent_gaps() -> None:
    frames = frames_of(3, 5, 4, 3)
    joined = strip(frames, gap=2)
    assert joined.shape == (5, 3 * 4 + 2 * 2, 4)
    np.testing.assert_array_equal(joined[:, 6:10, :3], frames[1])
    assert (joined[:, 4:6, 3] == 0).all() and (joined[:, 6:10, 3] == 255).all()


def test_files_hold_the_picture() -> None:
    image = frames_of(6, 8, 3)
    read = cv2.imdecode(np.frombuffer(encode(image), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(read[..., ::-1], image)
    small = cv2.imdecode(
        np.frombuffer(encode(np.full((8, 8, 3), 99, np.uint8), ".webp"), np.uint8), cv2.IMREAD_COLOR
    )
    assert abs(small.astype(int) - 99).max() <= 4


def test_animation_plays_every_frame() -> None:
    frames = frames_of(5, 12, 16, 1)
    with Pillow.open(io.BytesIO(animation(frames, 0.125, lossless=True))) as film:
        assert (film.n_frames, film.size) == (5, (16, 12))
        for i in range(5):
            film.seek(i)
            np.testing.assert_array_equal(np.asarray(film.convert("RGB")), rgb(frames)[i])
            film.load()
            assert film.info["duration"] == 125


def test_shrink_averages_and_never_enlarges() -> None:
    frames = frames_of(2, 8, 12, 1)
    assert shrink(frames, 40) is frames
    expected = frames[..., 0].reshape(2, 4, 2, 6, 2).mean((2, 4))
    np.testing.assert_allclose(shrink(frames, 6)[..., 0], expected, atol=0.51)


def test_absent_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(FarviewError, match=r"pip install farview\[viz\]"):
        need_viz()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Recognition:
    contract = Contract(
        ("a", "b"), NetworkConfig("resnet18", 4, "small"), 3, (48, 64), "elr", SensorModel(), Intervals(3, 2, 1),
        (0.4,) * 3, (0.2,) * 3,
    )  # fmt: skip
    path: Path = tmp_path_factory.mktemp("model") / "model.safetensors"
    torch.manual_seed(0)
    save_model(path, ActionNetwork(contract.network, 2, 3, 3, 2), contract)
    return Recogniser(path).recognise(frames_of(10, 60, 80, 3))


def test_channel_average_is_equation_1_over_the_channels(made: Recognition) -> None:
    for stage in made.output.stages:
        expected = spatial_attention(stage)[0] / stage.shape[2]  # T = 1 in a 2D network
        np.testing.assert_allclose(channel_average(stage), expected, rtol=1e-5)
    assert channel_average(torch.ones(1, 3, 8, 2, 4, 5)).shape == (3, 4, 5)


def test_attention_row_is_the_last_map_over_the_frames(made: Recognition) -> None:
    frames = recorded(made, (12, 16))
    row = attention_row("cstat", "CSTAT", made, frames, "")
    assert row.weights is not None and row.weights.sum() == pytest.approx(1, abs=1e-6)
    maps = channel_average(made.output.stages[-1])
    assert last_maps(made).max() == pytest.approx(1)
    np.testing.assert_allclose(last_maps(made) * maps.max(), maps, rtol=1e-6)
    np.testing.assert_array_equal(row.pictures, heat(frames, maps / maps.max()))


def test_pixels_of_the_sensor_are_seen(made: Recognition) -> None:
    shown = seen_pixels(made)
    assert shown.shape == recorded(made, (12, 16)).shape
    for frame in shown:  # 16 columns of squares
        assert (np.abs(np.diff(frame.astype(int), axis=1)).sum((0, 2)) > 0).sum() == 15


def test_every_stage_has_a_row(made: Recognition) -> None:
    rows = stage_rows(made, recorded(made, (12, 16)))
    sizes = ("24×32", "12×16", "6×8", "3×4")
    assert [row.label for row in rows] == [f"stage {i}, {size}" for i, size in enumerate(sizes, 1)]


def test_nothing_is_lost_where_nothing_changed() -> None:
    video = torch.randint(0, 256, (1, 2, 3, 1, 24, 32)).float()
    rows = evidence_rows(video, video, TransferConfig(confidence="gradient"))
    assert len(rows) == 5
    lost = rows[2].pictures
    assert lost is not None and (lost[..., 0] == lost[..., 1]).all()  # no red
    assert [row.note for row in rows[3:]] == ["100 % kept", "100 % kept"]
    assert rows[4].label == "confidence: gradient map, used in training"


def test_lost_evidence_is_red_and_not_trusted() -> None:
    hr = torch.full((1, 2, 1, 1, 24, 32), 100.0)
    elr = hr.clone()
    hr[..., 5:9, 7:12] = 200
    hr[..., 15:18, 7:12] = 110  # a change below 24
    rows = evidence_rows(hr, elr, TransferConfig(confidence="difference"), Extractor(1))
    red, map_ = rows[2].pictures, rows[3].pictures
    assert red is not None and map_ is not None and len(rows) == 6  # with the MLP map
    where = np.zeros((24, 32), bool)
    where[5:9, 7:12] = True
    np.testing.assert_array_equal(red[0, ..., 0] > red[0, ..., 1], where)
    inner = np.s_[1:-1, 1:-1]  # inside of its frame
    np.testing.assert_array_equal(map_[0, ..., 0][inner], np.where(where, 0, 255)[inner])
