"""S-Net as a descriptor of frames: against the network's own features, on made and on real frames."""

from pathlib import Path

import numpy as np
import pytest
import torch

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.models.contract import Contract, NetworkConfig
from farview.models.model_file import save_model
from farview.models.recogniser import Recogniser
from farview.rivals.frame_network import FrameNetwork, centred
from farview.training.phases import build_network


def made(backbone: str, frames: int, stride: int = 1, channels: int = 1) -> FrameNetwork:
    torch.manual_seed(0)
    contract = Contract(
        classes=("a", "b", "c"),
        network=NetworkConfig(backbone, 4, "small", differences=backbone == "resnet18"),  # type: ignore[arg-type]
        channels=channels,
        input_size=(24, 32),
        resolution="elr",
        sensor=SensorModel(),
        intervals=Intervals(2, frames, stride),
        mean=(0.4,) * channels,
        std=(0.2,) * channels,
    )
    return FrameNetwork(build_network(contract).eval(), contract)


@pytest.mark.parametrize(
    ("backbone", "frames", "stride"), [("resnet18", 1, 1), ("resnet18", 3, 2), ("r2plus1d18", 4, 1)]
)
def test_a_frames_vector_is_the_networks_of_the_interval_about_it(
    backbone: str, frames: int, stride: int, tmp_path: Path
) -> None:
    """The same as the whole network says of that interval, shown to it as if it were a video by itself."""
    net = made(backbone, frames, stride, channels=3)
    video = np.random.default_rng(1).integers(0, 256, (9, 12, 16, 3), np.uint8)
    found = net.series(video)
    assert found.shape == (9, 32) and found.dtype == np.float32 and found.min() >= 0
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    save_model(tmp_path / "net", net.network, net.contract)
    whole = Recogniser(tmp_path / "net")
    for t in (0, 4, 8):
        numbers = [min(max(t + stride * (i - frames // 2), 0), 8) for i in range(frames)]
        features = whole.forward(whole.video(video[[numbers, numbers]])).features[0, 0]
        np.testing.assert_allclose(found[t], features / features.norm(), atol=1e-5)


def test_the_interval_is_about_the_frame_and_stands_still_beyond_the_ends() -> None:
    np.testing.assert_array_equal(centred(4, 3, 2), [[0, 0, 2], [0, 1, 3], [0, 2, 3], [1, 3, 3]])
    np.testing.assert_array_equal(centred(3, 1, 5), [[0], [1], [2]])
    np.testing.assert_array_equal(centred(3, 2, 1), [[0, 0], [0, 1], [1, 2]])
    np.testing.assert_array_equal(centred(1, 4, 3), [[0] * 4])


def test_how_many_frames_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    net = made("resnet18", 3)
    video = np.random.default_rng(2).integers(0, 256, (11, 12, 16, 1), np.uint8)
    whole = net.series(video)
    monkeypatch.setattr("farview.rivals.frame_network.AT_ONCE", 4)
    np.testing.assert_allclose(net.series(video), whole, atol=1e-6)


def test_a_network_that_sees_nothing_says_nothing() -> None:
    """Zeros, no division by their length."""
    net = made("resnet18", 1)
    for norm in (m for m in net.network.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        torch.nn.init.zeros_(norm.weight)
    assert not net.series(np.zeros((2, 12, 16, 1), np.uint8)).any()


def test_its_cost_is_the_backbones_counted_by_hand() -> None:
    """Width 4, stem 5x5/2 on 24x32: the convolutions' outputs times what each of them sums."""
    net = made("resnet18", 1)
    stem = 12 * 16 * 4 * 25
    stage1 = 4 * 12 * 16 * 4 * 4 * 9
    later = 0
    for wide, pixels in ((8, 6 * 8), (16, 3 * 4), (32, 2 * 2)):
        later += pixels * wide * (wide // 2 * 9 + 3 * wide * 9 + wide // 2)
    assert net.multiply_adds == stem + stage1 + later
    assert net.parameters == sum(p.numel() for p in net.network.parameters())


def test_other_channels_are_refused() -> None:
    with pytest.raises(FarviewError, match=r"the frames have 3 channels, and the network .* trained on 1"):
        made("resnet18", 1).series(np.zeros((2, 12, 16, 3), np.uint8))
