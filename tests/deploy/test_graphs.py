"""The two halves of a model give what the whole network gives."""

from pathlib import Path

import numpy as np
import pytest
import torch

from farview.deploy.graphs import graphs, runner
from farview.frames.resize import bilinear_matrix
from farview.models.contract import Contract
from farview.models.model_file import load_model
from tests.deploy.models import DEEP, FLAT, model_file, shown


@pytest.mark.parametrize("contract", [FLAT, DEEP], ids=["flat", "deep"])
def test_halves_make_the_whole(tmp_path: Path, contract: Contract) -> None:
    """Against the whole network in float64, its input made by matrices in NumPy."""
    path = model_file(tmp_path / "a.safetensors", contract)
    frames = shown(contract, 2 * contract.intervals.count)  # two videos
    ready = runner(path)
    features = ready.features(frames).reshape(2, contract.intervals.count, -1)
    (h, w), (height, width) = frames.shape[2:4], contract.input_size
    large = bilinear_matrix(height, h) @ np.moveaxis(frames / 255.0, -1, 1) @ bilinear_matrix(width, w).T
    mean, std = (np.reshape(each, (1, -1, 1, 1, 1)) for each in (contract.mean, contract.std))
    clips = torch.from_numpy((large - mean) / std).unflatten(0, (2, -1))  # (2, K, C, T, H, W)
    network, _ = load_model(path)
    with torch.inference_mode():
        whole = network.double()(clips)
    np.testing.assert_allclose(features, whole.features, atol=1e-4)
    np.testing.assert_allclose(ready.decide(features), whole.logits.softmax(1), atol=1e-5)
    np.testing.assert_allclose(ready.attend(features), whole.attention, atol=1e-5)
    assert whole.logits.softmax(1).std(0).max() > 1e-3  # the videos are told apart


def test_an_interval_seen_before_is_used_again(tmp_path: Path) -> None:
    ready = runner(model_file(tmp_path / "a.safetensors", FLAT))
    frames = shown(FLAT, 4)
    together = ready.features(frames)
    alone = np.concatenate([ready.features(frame[None]) for frame in frames])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    moved = ready.decide(alone[None, 1:])  # the window went on by one interval
    np.testing.assert_allclose(moved, ready.decide(ready.features(frames[1:])[None]), atol=1e-5)


@pytest.mark.parametrize(
    "frames", [np.zeros((1, 2, 6, 8, 3), np.float32), np.zeros((1, 2, 12, 16, 3), np.uint8)]
)
def test_other_frames_are_refused(tmp_path: Path, frames: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        runner(model_file(tmp_path / "a.safetensors", FLAT)).features(frames)


def test_the_decision_holds_no_backbone(tmp_path: Path) -> None:
    _, decision, _ = graphs(model_file(tmp_path / "a.safetensors", FLAT))
    assert {name.split(".")[0] for name, _ in decision.named_parameters()} == {"attention", "fc"}
