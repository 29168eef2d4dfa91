"""The first convolution refitted to eLR: NumPy's least squares, what cannot change, and real frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from farview.models import refit
from farview.models.network import ActionNetwork, NetworkConfig
from farview.models.refit import first_convolution, images, refit_first, refit_weight


def blurred(images: torch.Tensor, factor: int = 4) -> torch.Tensor:
    """Averaged over squares and enlarged again."""
    low = F.avg_pool2d(images, factor)
    return F.interpolate(low, images.shape[-2:], mode="bilinear", align_corners=False)


def seen(image: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """Patches (places, C*k*k) of an image (C, H, W), one place at a time."""
    pad = kernel // 2
    padded = np.pad(image, ((0, 0), (pad, pad), (pad, pad)))
    rows = range(0, image.shape[1], stride)
    return np.stack(
        [
            padded[:, y : y + kernel, x : x + kernel].ravel()
            for y in rows
            for x in range(0, image.shape[2], stride)
        ]
    )


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 2)])
@pytest.mark.parametrize("ridge", [1e-4, 0.5])
def test_equals_numpys_least_squares(kernel, stride, ridge, monkeypatch):
    """The ridge as further rows sqrt(r) W' = sqrt(r) W of the system."""
    monkeypatch.setattr(refit, "RIDGE", ridge)
    torch.manual_seed(0)
    hr = torch.randn(6, 2, 13, 16, dtype=torch.float64)
    elr = blurred(hr, 2)
    weight = torch.randn(4, 2, kernel, kernel, dtype=torch.float64)
    x, y = (np.concatenate([seen(i.numpy(), kernel, stride) for i in video]) for video in (elr, hr))
    w = weight.flatten(1).numpy()
    r = ridge * (x**2).sum() / x.shape[1]
    root = np.sqrt(r) * np.eye(x.shape[1])
    expected, *_ = np.linalg.lstsq(
        np.concatenate([x, root]), np.concatenate([y @ w.T, root @ w.T]), rcond=None
    )
    found = refit_weight(weight, [(hr[:2], elr[:2]), (hr[2:], elr[2:])], stride)
    np.testing.assert_allclose(found.flatten(1).numpy(), expected.T, rtol=1e-8, atol=1e-10)


def test_what_elr_shows_as_well_keeps_its_weights():
    hr, weight = torch.randn(2, 3, 12, 16), torch.randn(4, 3, 3, 3)
    torch.testing.assert_close(refit_weight(weight, [(hr, hr)], 1), weight.double())


def test_half_the_contrast_takes_twice_the_weights():
    hr, weight = torch.randn(4, 3, 12, 16), torch.randn(4, 3, 3, 3)
    found = refit_weight(weight, [(hr, hr / 2)], 1)
    torch.testing.assert_close(found, 2 * weight.double(), rtol=1e-2, atol=1e-3)


def test_nothing_to_fit_is_refused():
    with pytest.raises(ValueError, match="no pairs"):
        refit_weight(torch.randn(4, 3, 3, 3), [], 1)


@pytest.mark.parametrize(
    ("backbone", "differences"), [("resnet18", False), ("resnet18", True), ("r2plus1d18", False)]
)
def test_a_network_sees_elr_more_as_it_saw_hr(backbone, differences):
    """Its own first layer, run as the network runs it; nothing else of the network changes."""
    torch.manual_seed(0)
    config = NetworkConfig(backbone, width=4, stem="small", differences=differences)
    network = ActionNetwork(config, 3, 3, intervals=2, frames=3)
    coarse = torch.randn(4, 2, 3, 3, 6, 8)
    hr = F.interpolate(coarse.flatten(0, 2), (24, 32), mode="bicubic").view(4, 2, 3, 3, 24, 32)
    elr = blurred(hr.flatten(0, 2)).view_as(hr)
    layer, met = first_convolution(network), []
    layer.register_forward_hook(lambda *parts: met.append(parts[2]))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.eval()(hr)
    network(elr)
    torch.testing.assert_close(
        F.conv2d(images(network, hr), layer.weight.flatten(1).view(len(layer.weight), -1, 5, 5), None, 2, 2),
        met[0] if network.stacked else met[0].transpose(1, 2).flatten(0, 1),
    )
    refit_first(network, [(hr[:2], elr[:2]), (hr[2:], elr[2:])])
    network(elr)
    wanted, old, new = met
    assert (new - wanted).square().mean() < 0.5 * (old - wanted).square().mean()
    after = network.state_dict()
    assert [key for key in before if not torch.equal(before[key], after[key])] == [
        "backbone.conv1.weight" if network.stacked else "backbone.conv1.conv.conv_s.weight"
    ]


def test_real_frames_that_took_no_part_are_seen_better(data_root: Path):
    paths = sorted(data_root.glob("clips/*/*/*.avi"))[:6]
    if len(paths) < 6:
        pytest.skip(f"{data_root}/clips holds fewer than six recordings")
    frames = []
    for path in paths:
        ok, frame = cv2.VideoCapture(str(path)).read()
        assert ok, path
        frames.append(torch.from_numpy(cv2.resize(frame, (64, 48), interpolation=cv2.INTER_AREA)))
    hr = torch.stack(frames).permute(0, 3, 1, 2) / 127.5 - 1  # (6, 3, 48, 64)
    elr = blurred(hr)
    torch.manual_seed(0)
    weight = torch.randn(8, 3, 5, 5)
    missed = {"old": 0.0, "new": 0.0}
    for out in range(6):  # each recording is left out once
        rest = [i for i in range(6) if i != out]
        new = refit_weight(weight, [(hr[rest], elr[rest])], 2).float()
        wanted = F.conv2d(hr[[out]], weight, None, 2, 2)
        for name, filters in (("old", weight), ("new", new)):
            missed[name] += float((F.conv2d(elr[[out]], filters, None, 2, 2) - wanted).square().mean())
    assert missed["new"] < 0.97 * missed["old"]  # most of what random filters miss is lost for good
