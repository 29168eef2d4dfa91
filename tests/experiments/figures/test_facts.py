"""What the figures show and tell, computed anew from the recorded images and the networks alone."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from farview.experiments.attention_pictures import channel_average
from farview.experiments.figures.lost import box_of
from farview.experiments.figures.shared import ATTENTION, overlay
from farview.models.model_file import load_model
from farview.training.phases import Run
from tests.experiments.figures.conftest import Drawn


def recorded(finished: Run, clip: str, frame: int) -> np.ndarray:
    """A frame of a clip, counted from 1, from its image file: (24, 32, 3)."""
    source = next(each.source for each in finished.clips.data.clips if each.id == clip)
    image = cv2.imread(str(Path(source.name) / f"{frame - 1:03d}.png"))
    assert image is not None
    return image[..., ::-1]


def luma(frame: np.ndarray) -> np.ndarray:
    return frame.astype(np.float64) @ [0.299, 0.587, 0.114]


def change(finished: Run, clip: str, frame: int) -> np.ndarray:
    """|HR - eLR| in grey levels at T-Net's 24x32 pixels, which are those of the recording."""
    image = recorded(finished, clip, frame)
    small = finished.recipe.input.sensor.degrade(image[None], [frame - 1])[0]
    channels = torch.from_numpy(small.astype(np.float64)).permute(2, 0, 1)[None]
    large = F.interpolate(channels, (24, 32), mode="bilinear", align_corners=False)
    return np.abs(luma(image) - luma(large[0].permute(1, 2, 0).numpy()))


def test_kept_shares_of_the_difference_map(drawn: Drawn, finished: Run) -> None:
    facts = drawn.facts["7"]
    assert facts["settings"]["threshold"] == 0.3 and facts["settings"]["same"] == 24
    assert len(facts["clips"]) == 2
    for clip in facts["clips"]:
        lost = change(finished, clip["clip"], clip["frame"])
        lost[lost < 24] = 0
        kept = (1 - lost / lost.max() >= 0.3).mean()
        assert 0.5 < kept < 1
        assert clip["kept"]["difference"] == pytest.approx(kept, abs=1 / lost.size)
        assert set(clip["kept"]) == {"difference", "gradient", "mlp"}


def test_what_was_lost(drawn: Drawn, finished: Run) -> None:
    for clip in drawn.facts["6"]["clips"]:
        lost = change(finished, clip["clip"], clip["frame"])
        assert clip["mean_change"] == pytest.approx(lost.mean(), abs=1e-3)
        assert clip["changed"] == pytest.approx((lost >= 24).mean(), abs=1 / lost.size)
        box = clip["box"]
        assert (box["height"], box["width"]) == (8, 11)
        assert 0 <= box["top"] <= 16 and 0 <= box["left"] <= 21


def test_the_box_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    for height, width in ((5, 7), (9, 12), (1, 3)):
        weights = rng.random((height, width))
        tall, wide = max(1, round(height / 3)), max(1, round(width / 3))
        sums = {
            (top, left): weights[top : top + tall, left : left + wide].sum()
            for top in range(height - tall + 1)
            for left in range(width - wide + 1)
        }
        assert box_of(weights) == (*max(sums, key=sums.__getitem__), tall, wide)
    assert box_of(np.ones((6, 6))) == (0, 0, 2, 2)  # of equals the first


def test_temporal_attention_and_moment(drawn: Drawn, finished: Run) -> None:
    facts = drawn.facts["9"]
    assert set(facts["temporal_attention"]) == {"teacher", "student", "transfer"}
    for weights in facts["temporal_attention"].values():
        assert len(weights) == 3 and min(weights) > 0 and sum(weights) == pytest.approx(1, abs=1e-5)
    same = next(clip for clip in drawn.facts["6"]["clips"] if clip["clip"] == facts["clip"])
    assert same["interval"] == 1 + int(np.argmax(facts["temporal_attention"]["teacher"]))
    assert same["frame"] == facts["frames"][same["interval"] - 1]
    source = next(clip.source for clip in finished.clips.test if clip.id == facts["clip"])
    length = len(list(Path(source.name).glob("*.png")))
    assert facts["frames"] == [int((k + 0.5) * length / 3) + 1 for k in range(3)]  # the intervals' middles


def test_predictions_are_those_of_the_test(drawn: Drawn, finished: Run) -> None:
    """The figures read the recording itself, the test its stored frames."""
    for number in ("3", "9"):
        facts = drawn.facts[number]
        for phase, verdict in facts["predictions"].items():
            with (finished.folders[phase] / "test-predictions.csv").open() as file:  # type: ignore[index]
                (row,) = [row for row in csv.DictReader(file) if row["clip"] == facts["clip"]]
            assert verdict["says"] == row["predicted"]
            assert verdict["probability"] == pytest.approx(float(row[row["predicted"]]), abs=2e-5)
            assert verdict["right"] == (row["label"] == row["predicted"])
            assert facts["class"] == row["label"]


def test_attention_is_the_mean_of_absolute_values(drawn: Drawn) -> None:
    made = drawn.subject.recognise("teacher", drawn.examples[0])
    network, contract = load_model(drawn.run / "teacher.safetensors")
    outputs: list[np.ndarray] = []
    network.eval().backbone.layer3.register_forward_hook(lambda _, __, out: outputs.append(out.numpy()))  # type: ignore[union-attr]
    mean, std = (np.array(values).reshape(1, 1, 3, 1, 1, 1) for values in (contract.mean, contract.std))
    with torch.inference_mode():
        network(torch.from_numpy((made.video.numpy() / 255 - mean) / std).float())
    expected = np.abs(outputs[0]).mean(1)  # (K, C, h, w) -> (K, h, w)
    np.testing.assert_allclose(channel_average(made.output.stages[2]), expected, rtol=1e-4, atol=1e-6)


def test_an_even_map_has_the_bars_colour() -> None:
    """Whatever the scene's brightness; a step in the scene shows as lighter and darker."""
    scale = ATTENTION.mappable()
    for level in (0, 100, 255):
        frames = np.full((1, 24, 32, 3), level, np.uint8)
        expected = np.rint(255 * np.array(scale.cmap(0.6)[:3]))
        assert np.abs(overlay(frames, np.full((1, 3, 4), 0.6))[0] - expected).max() <= 1
    frames[:, :, 16:] = 0
    shown = overlay(frames, np.full((1, 3, 4), 0.6)).astype(int).sum(-1)[0]
    assert (shown[:, 15] > shown[:, 16] + 60).all()


def test_features(drawn: Drawn, finished: Run) -> None:
    facts = drawn.facts["10"]
    assert facts["clips"] == len(finished.clips.test) and facts["classes"] == ["left", "right"]
    assert facts["dimensions"] == {"student": 32, "transfer": 32}  # 8 x width
    assert facts["perplexity"] == pytest.approx((facts["clips"] - 1) / 3)
    phase = "transfer"
    features, labels = [], []
    for clip in finished.clips.test:
        made = drawn.subject.networks[phase].recognise(clip.source).output
        features.append((made.attention[0, :, None] * made.features[0]).sum(0).numpy())
        labels.append(clip.label)
    assert facts["silhouette"][phase] == pytest.approx(silhouette(np.array(features), labels), abs=1e-4)


def silhouette(points: np.ndarray, labels: list) -> float:
    """By its definition, clip by clip."""
    values = []
    for i, own in enumerate(labels):
        distances = np.sqrt(((points - points[i]) ** 2).sum(1))
        alike = [distances[j] for j, other in enumerate(labels) if other == own and j != i]
        others = [distances[j] for j, other in enumerate(labels) if other != own]
        a, b = np.mean(alike), np.mean(others)
        values.append((b - a) / max(a, b))
    return float(np.mean(values))
