"""C3D: its size, and the files of weights that it can start from."""

from pathlib import Path

import pytest
import torch

from farview.errors import FarviewError
from farview.rivals.c3d import C3d, load_c3d
from farview.rivals.fully_coupled import FullyCoupledConfig

PLAIN = ("conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b", "fc6", "fc7", "fc8")
FEATURES = (*(f"features.{n}" for n in (0, 3, 6, 8, 11, 13, 16, 18)), "classifier.0", "classifier.3")
MMACTION = ("conv1a", "conv2a", *PLAIN[2:8])


def test_c3d_has_the_published_size() -> None:
    """78,409,573 parameters with UCF101's classes: 27 i o + o of eight convolutions, 8192, 4096, 4096 to 101."""
    with torch.device("meta"):
        network = C3d(101, 3, 16, (112, 112), 1.0)
        assert network.fc6.in_features == 512 * 4 * 4
        features = network(torch.empty(2, 3, 16, 112, 112))
    assert features.shape == (2, 4096) and network.classify(features).shape == (2, 101)
    assert sum(p.numel() for p in network.parameters()) == 78_409_573


def network(classes: int = 4, channels: int = 3, width: float = 1 / 16, size: int = 32) -> C3d:
    return C3d(classes, channels, 16, (size, size), width).eval()


def layers(net: C3d) -> list[torch.nn.Module]:
    return [layer for layer in net.convolutions if list(layer.parameters())] + [net.fc6, net.fc7, net.fc8]


def file_of(net: C3d, path: Path, layout: str) -> None:
    """The network's weights under public names, for levels from -127.5 to 127.5."""
    names: tuple[str, ...] = {"plain": PLAIN, "features": FEATURES}.get(layout, ())
    if layout == "mmaction":
        conv = (f"backbone.{name}.conv" for name in MMACTION)
        names = (*conv, "backbone.fc6", "backbone.fc7", "cls_head.fc_cls")
    state = {
        f"{name}.{kind}": value.clone()
        for name, layer in zip(names, layers(net), strict=False)
        for kind, value in layer.state_dict().items()
    }
    state[f"{names[0]}.weight"] /= 127.5
    torch.save({"state_dict": state, "meta": {"epoch": 45}} if layout == "mmaction" else state, path)


@pytest.mark.parametrize(("layout", "head"), [("plain", True), ("features", False), ("mmaction", True)])
def test_a_public_file_gives_its_answers(tmp_path: Path, layout: str, head: bool) -> None:
    torch.manual_seed(0)
    published, net = network(), network()
    file_of(published, tmp_path / "c3d.pth", layout)
    report = load_c3d(net, tmp_path / "c3d.pth")
    units = 2 * torch.rand(2, 3, 16, 32, 32) - 1
    torch.testing.assert_close(net(units), published(units))
    same = torch.allclose(net.classify(net(units)), published.classify(published(units)), atol=1e-5)
    assert same == head and len(report.loaded) == (22 if head else 20)
    assert ("fc8" in str(report)) != head and "levels" in str(report)


def test_what_does_not_fit_is_left_and_told(tmp_path: Path) -> None:
    """Two channels of flow see a third of the sum each; other classes and another size have layers of their own."""
    torch.manual_seed(0)
    published = network()
    file_of(published, tmp_path / "c3d.pth", "plain")
    net = network(classes=7, channels=2, size=48)
    report = str(load_c3d(net, tmp_path / "c3d.pth"))
    flow = torch.randn(1, 1, 16, 48, 48)
    pictures = published.convolutions(flow.expand(-1, 3, -1, -1, -1))
    torch.testing.assert_close(net.convolutions(flow.expand(-1, 2, -1, -1, -1)), pictures)
    assert "from 3 to 2 input channels" in report and "skipped: fc6" in report and "skipped: fc8" in report
    assert torch.equal(net.fc7.weight, published.fc7.weight)
    with pytest.raises(FarviewError, match=r"of width 1.*convolutions\.0\.weight is \(4"):
        load_c3d(network(width=1 / 8), tmp_path / "c3d.pth")
    torch.save({"layer1.0.conv1.weight": torch.zeros(1)}, tmp_path / "resnet.pth")
    with pytest.raises(FarviewError, match=r"resnet\.pth: unknown kind of weights; expected C3D"):
        load_c3d(net, tmp_path / "resnet.pth")


def test_each_stream_starts_from_its_file_and_sequences_from_none(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = FullyCoupledConfig(size=(32, 32), width=1 / 16)
    for stream in ("rgb", "flow"):
        file_of(network(channels=3), tmp_path / f"{stream}.pth", "plain")
    both = config.build(5, 3)
    lines = both.start("features", str(tmp_path / "{stream}.pth"))
    assert [line.split(": ")[0] for line in lines] == [
        f"{stream} starts from {tmp_path / stream}.pth" for stream in ("rgb", "flow")
    ]
    first, second = both.c3d["rgb"].fc7.weight, both.c3d["flow"].fc7.weight
    assert torch.equal(first, torch.load(tmp_path / "rgb.pth")["fc7.weight"]) and not torch.equal(
        first, second
    )
