"""The confidence maps on real recordings: what they trust, and that a learned one does not collapse."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from farview.models.network import ActionNetwork, ActionOutput, NetworkConfig
from farview.transfer.config import TransferConfig
from farview.transfer.pair import Pair, soft_labels
from farview.transfer.total import TransferLoss

KINDS = ("difference", "gradient", "mlp")
SIZE = (48, 64)


@pytest.fixture(scope="module")
def hr(data_root: Path) -> torch.Tensor:
    """Four frames of each of three clips, grey levels (B, K, 3, 1, H, W)."""
    paths = sorted(data_root.glob("clips/*/*/*.avi"))[::2][:3]
    if len(paths) < 3:
        pytest.skip(f"{data_root}/clips holds fewer than three recordings")
    videos = []
    for path in paths:
        with av.open(str(path)) as container:
            decoded = [f.to_ndarray(format="rgb24") for f, _ in zip(container.decode(video=0), range(40))]  # noqa: B905
        frames = [cv2.resize(f, SIZE[::-1], interpolation=cv2.INTER_AREA) for f in decoded[::10]]
        videos.append(torch.from_numpy(np.stack(frames)).float().permute(0, 3, 1, 2))
    return torch.stack(videos)[:, :, :, None]


def at_12x16(video: torch.Tensor) -> torch.Tensor:
    """Averaged by area to 12x16 pixels, rounded, enlarged again."""
    small = torch.nn.functional.avg_pool2d(video.flatten(0, 2)[:, 0], SIZE[0] // 12).round()
    return torch.nn.functional.interpolate(small[:, None], SIZE, mode="bilinear").view_as(video)


def confidence(kind: str, hr: torch.Tensor, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    with torch.no_grad():
        result = TransferLoss(TransferConfig(confidence=kind), 3).confidence(hr, at_12x16(hr))
    assert result is not None
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_edges_are_trusted_less_than_flat_background(hr, kind):
    grey = hr.mean(2)[:, :, 0]  # (B, K, H, W)
    edges = torch.stack(
        [
            torch.from_numpy(cv2.GaussianBlur(cv2.Canny(f.numpy().astype(np.uint8), 80, 160), (5, 5), 0))
            for f in grey.flatten(0, 1)
        ]
    ).view_as(grey)
    trust = confidence(kind, hr)[:, :, 0]
    assert trust[edges == 0].mean() > trust[edges > 60].mean() + 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_thing_that_gets_lost_is_trusted_less(hr, kind):
    """A ball of 3 pixels' width, smaller than the 4 pixels of one eLR pixel."""
    y, x = 21, 34
    with_ball = hr.clone()
    ball = torch.from_numpy(cv2.circle(np.zeros(SIZE, np.uint8), (x, y), 1, 1, -1)).bool()
    with_ball[..., ball] = 255 * (hr[..., ball].mean(-1, keepdim=True) < 128).float()
    before, after = confidence(kind, hr)[..., ball].mean(-1), confidence(kind, with_ball)[..., ball].mean(-1)
    assert (after < before).float().mean() > 0.9
    assert after.mean() < before.mean() - 0.2


def outputs(hr: torch.Tensor) -> tuple[ActionOutput, ActionOutput]:
    """T-Net and S-Net of the same weights, which differ by what they see."""
    torch.manual_seed(1)
    network = ActionNetwork(NetworkConfig("resnet18", width=8, stem="small"), 4, 3, hr.shape[1], 1)
    with torch.no_grad():
        return network(at_12x16(hr) / 127.5 - 1), network(hr / 127.5 - 1)


@pytest.mark.parametrize("kind", ["difference", "gradient", "mlp"])
def test_every_map_leaves_something_to_transfer(hr, kind):
    student, teacher = outputs(hr)
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(confidence=kind), 3)
    terms = loss.terms(Pair(student, teacher, hr, at_12x16(hr), soft_labels(teacher.logits)))
    assert (terms["kept"] > 0.1).all() and (terms["kept"] < 0.999).all()
    assert (terms["empty"] == 0).all() and (terms["spread"] > 0.1).all()
    assert (terms["score"] > 0.05).all() and (terms["score"] < 1).all()


def test_the_mlp_map_stays_spread_while_it_learns(hr):
    """Frozen networks, a fast extractor: all it can do for the loss is to look away. The floor holds it."""
    student, teacher = outputs(hr)
    targets, elr = soft_labels(teacher.logits), at_12x16(hr)
    reached = {}
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        config = TransferConfig(ce=0, sat=1, tat=0, threshold=0.8, spread=weight, spread_floor=0.5)
        loss = TransferLoss(config, 3)
        optimiser = torch.optim.Adam(loss.parameters(), 0.02)
        history = []
        for _ in range(60):
            terms = loss.terms(Pair(student, teacher, hr, elr, targets))
            optimiser.zero_grad()
            terms["total"].mean().backward()
            optimiser.step()
            history.append(terms)
        if not weight:
            assert history[-1]["sat"].mean() < history[0]["sat"].mean()  # it does learn
        reached[weight] = history[-1]["spread"]
    assert reached[1.0].min() > 0.4
    assert reached[0.0].min() < reached[1.0].min() - 0.05  # and the floor is what holds it
