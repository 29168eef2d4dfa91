import copy
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.models.contract import Contract, NetworkConfig
from farview.models.model_file import save_model
from farview.models.network import ActionNetwork
from farview.models.weights import adapt_input, load_initial
from tests.models.reference import mmaction_shapes, r2plus1d, random_state, resnet, torchvision_shapes

State = dict[str, Tensor]


def network(backbone="resnet18", classes=5, channels=3, intervals=3, frames=1, width=8, stem="imagenet"):
    return ActionNetwork(NetworkConfig(backbone, width, stem), classes, channels, intervals, frames)


def torchvision(path: Path, depth: int = 18, width: int = 8, **options) -> State:
    """A file as torchvision publishes it (float32, the state dict itself)."""
    state = random_state(torchvision_shapes(depth, width))
    torch.save({key: v.float() if v.is_floating_point() else v for key, v in state.items()}, path, **options)
    return state


def mmaction(path: Path, depth: int = 18, width: int = 8) -> State:
    """A file as mmaction2 publishes it: `state_dict` beside `meta`."""
    state = random_state(mmaction_shapes(depth, width))
    weights = {key: v.float() if v.is_floating_point() else v for key, v in state.items()}
    meta = {"mmaction_version": "0.6.0", "config": "model = dict(...)", "epoch": 180}
    torch.save({"meta": meta, "state_dict": weights}, path)
    return state


def contract(net: ActionNetwork) -> Contract:
    return Contract(
        classes=tuple(f"class {i}" for i in range(net.classes)),
        network=net.config,
        channels=net.channels,
        input_size=(48, 64),
        resolution="hr",
        sensor=None,
        intervals=Intervals(net.intervals, net.frames),
        mean=(0.45,) * net.channels,
        std=(0.225,) * net.channels,
    )


@pytest.mark.parametrize("depth", [18, 34])
def test_torchvisions_file_makes_its_network(tmp_path, depth) -> None:
    state = torchvision(tmp_path / "imagenet.pth", depth)
    net = network(f"resnet{depth}")
    report = load_initial(net, tmp_path / "imagenet.pth")
    x = torch.randn(3, 3, 40, 53, dtype=torch.float64)
    with torch.no_grad():
        stages = net.double().eval().backbone(x)
    for ours, theirs in zip(stages, resnet(state, depth, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)  # the file's weights are float32
    assert set(report.loaded) == {f"backbone.{key}" for key in state if not key.startswith("fc.")}
    assert not report.adapted
    assert set(report.skipped) == {n for n in net.state_dict() if n.startswith(("fc.", "attention."))}
    assert "fc.weight is (1000, 64) in the file, (5, 64) in the network" in report.skipped["fc.bias"]
    assert "class head: fc.weight" in str(report) and "\n" not in str(report)


@pytest.mark.parametrize("depth", [18, 34])
def test_mmactions_file_makes_its_network_with_its_class_head(tmp_path, depth) -> None:
    state = mmaction(tmp_path / "kinetics.pth", depth)
    net = network(f"r2plus1d{depth}", classes=400, frames=4)
    report = load_initial(net, tmp_path / "kinetics.pth")
    x = torch.randn(2, 3, 4, 24, 32, dtype=torch.float64)
    plain = {key.removeprefix("backbone."): value for key, value in state.items()}
    with torch.no_grad():
        stages = net.double().eval().backbone(x)
    for ours, theirs in zip(stages, r2plus1d(plain, depth, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(net.fc.weight, state["cls_head.fc_cls.weight"], rtol=1e-6, atol=1e-6)
    assert len(report.loaded) == len(state)
    assert set(report.skipped) == {n for n in net.state_dict() if n.startswith("attention.")}


def test_old_files_without_batch_counts_and_in_the_old_container_load(tmp_path) -> None:
    shapes = torchvision_shapes(18, 8)
    state = {k: v.float() for k, v in random_state(shapes).items() if not k.endswith("num_batches_tracked")}
    path = tmp_path / "resnet18-5c106cde.pth"
    torch.save(
        {k: torch.nn.Parameter(v) for k, v in state.items()}, path, _use_new_zipfile_serialization=False
    )
    net = network(classes=1000)
    report = load_initial(net, path)
    assert len(report.loaded) == len(state)
    torch.testing.assert_close(net.fc.weight, state["fc.weight"])
    assert net.fc.weight.requires_grad and net.fc.weight.is_leaf


@pytest.mark.parametrize("backbone", ["resnet18", "r2plus1d18"])
def test_grey_input_answers_as_grey_colours_did(tmp_path, backbone) -> None:
    path = tmp_path / "rgb.pth"
    (torchvision if backbone == "resnet18" else mmaction)(path)
    colour, grey = network(backbone).eval(), network(backbone, channels=1).eval()
    load_initial(colour, path)
    report = load_initial(grey, path)
    x = torch.randn(2, 3, 1, 1, 24, 32)
    for one, two in zip(grey(x).stages, colour(x.expand(-1, -1, 3, -1, -1, -1)).stages, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-3)
    assert len(report.adapted) == 1
    assert "from 3 to 1 input channels" in str(report)


@pytest.mark.parametrize(("channels", "frames"), [(3, 4), (1, 3), (1, 5)])
def test_stacked_frames_of_a_still_clip_answer_as_one_frame_did(tmp_path, channels, frames) -> None:
    torchvision(tmp_path / "rgb.pth")
    single, stacked = network().eval(), network(channels=channels, frames=frames).eval()
    load_initial(single, tmp_path / "rgb.pth")
    report = load_initial(stacked, tmp_path / "rgb.pth")
    assert list(report.adapted) == ["backbone.conv1.weight"]
    x = torch.randn(1, 3, channels, 1, 24, 32)
    expected = single(x.expand(-1, -1, 3, -1, -1, -1)).stages
    for one, two in zip(stacked(x.expand(-1, -1, -1, frames, -1, -1)).stages, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-3)


def test_adaptation_by_hand() -> None:
    rgb = torch.tensor([1.0, 2.0, 6.0]).reshape(1, 3, 1, 1)
    assert adapt_input(rgb, 1, 3, 1) is rgb
    assert adapt_input(rgb, 1, 1, 1).flatten().tolist() == [9]
    assert adapt_input(rgb, 1, 1, 3).flatten().tolist() == [3, 3, 3]
    assert adapt_input(rgb, 1, 3, 2).flatten().tolist() == [0.5, 0.5, 1, 1, 3, 3]  # colour, then time
    assert adapt_input(rgb, 3, 3, 1).flatten().tolist() == [3, 3, 3]  # three grey frames to colours
    assert adapt_input(rgb.reshape(1, 3, 1, 1, 1), 1, 1, 1).shape == (1, 1, 1, 1, 1)


def test_a_stem_of_another_kind_is_left_alone_and_named(tmp_path) -> None:
    torchvision(tmp_path / "imagenet.pth")
    net = network(stem="small")
    before = copy.deepcopy(net.state_dict())
    report = load_initial(net, tmp_path / "imagenet.pth")
    for key in ("backbone.conv1.weight", "backbone.bn1.running_mean"):
        assert torch.equal(net.state_dict()[key], before[key])
        assert "stem: backbone.conv1.weight is (8, 3, 7, 7) in the file, (8, 3, 5, 5)" in report.skipped[key]
    assert "backbone.layer1.0.conv1.weight" in report.loaded


@pytest.mark.parametrize("backbone", ["resnet18", "r2plus1d18"])
def test_a_farview_model_loads_whole_or_without_what_differs(tmp_path, backbone) -> None:
    torch.manual_seed(0)
    source = network(backbone, frames=2)
    path = tmp_path / "model.safetensors"
    save_model(path, source, contract(source))
    same = network(backbone, frames=2)
    report = load_initial(same, path)
    assert set(report.loaded) == set(source.state_dict()) and not report.skipped and not report.adapted
    for key, value in source.state_dict().items():
        assert torch.equal(same.state_dict()[key], value)

    other = network(backbone, classes=9, channels=1, intervals=5, frames=3)
    head = other.fc.weight.clone()
    report = load_initial(other, path)
    assert {key.split(".")[0] for key in report.skipped} == {"fc", "attention"}
    assert torch.equal(other.fc.weight, head)
    first = "backbone.conv1.weight" if backbone == "resnet18" else "backbone.conv1.conv.conv_s.weight"
    assert list(report.adapted) == [first]
    expected = source.state_dict()[first].sum()
    torch.testing.assert_close(other.state_dict()[first].sum(), expected)  # on a still grey clip: the same


@pytest.mark.parametrize(
    ("made", "wanted", "message"),
    [
        ("torchvision 34", "resnet18", r"layer1\.2\..* is in the file alone"),
        ("torchvision 18", "resnet34", r"layer1\.2\.conv1\.weight \(8, 8, 3, 3\) is not in the file"),
        ("torchvision 18", "r2plus1d18", r"layer1\.0\.conv1\.conv\.conv_s\.weight .* is not in the file"),
        ("mmaction 18", "resnet18", r"layer1\.0\.conv1\.weight .* is not in the file"),
        ("wide", "resnet18", r"layer1\.0\.conv1\.weight is \(16, 16, 3, 3\) in the file, \(8, 8, 3, 3\)"),
    ],
)
def test_another_backbone_is_refused_and_changes_nothing(tmp_path, made, wanted, message) -> None:
    path = tmp_path / "w.pth"
    kind, _, depth = made.partition(" ")
    if kind == "wide":
        torchvision(path, 18, 16)
    else:
        {"torchvision": torchvision, "mmaction": mmaction}[kind](path, int(depth))
    net = network(wanted)
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(FarviewError, match=rf"w\.pth: does not fit {wanted} of width 8: backbone\.{message}"):
        load_initial(net, path)
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


class Evil:
    """Unpickling this would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_with_code_is_refused_and_not_run(tmp_path, zipped) -> None:
    path, trap = tmp_path / "evil.pth", tmp_path / "trap"
    torch.save({"state_dict": {}, "hook": Evil(trap)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(FarviewError, match=r"evil\.pth: refused, .*posix\.mkdir") as caught:
        load_initial(network(), path)
    assert "\n" not in str(caught.value)
    assert not trap.exists()


def test_what_is_no_file_of_weights_is_refused_by_name(tmp_path) -> None:
    contents = {
        "list.pth": [1, 2],
        "numbers.pth": {"epoch": 3},
        "keys.pth": {1: torch.zeros(2)},
        "other.pth": {"encoder.weight": torch.zeros(2), "decoder.weight": torch.zeros(2)},
        "empty.pth": {},
    }
    for name, content in contents.items():
        torch.save(content, tmp_path / name)
    (tmp_path / "text.pth").write_text("<html>404 not found</html>")
    (tmp_path / "nothing.pth").write_bytes(b"")
    torchvision(tmp_path / "cut.pth")
    whole = (tmp_path / "cut.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    for name in (*contents, "text.pth", "nothing.pth", "cut.pth", "absent.pth"):
        with pytest.raises(FarviewError, match=rf"{name}: .*expected torchvision's ResNet") as caught:
            load_initial(network(), tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(FarviewError, match=r"first keys are encoder\.weight, decoder\.weight"):
        load_initial(network(), tmp_path / "other.pth")


def test_weights_that_are_no_numbers_are_refused_by_key(tmp_path) -> None:
    state = {k: v.float() for k, v in random_state(torchvision_shapes(18, 8)).items()}
    state["layer2.0.bn1.bias"][3] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(FarviewError, match=r"backbone\.layer2\.0\.bn1\.bias holds NaN"):
        load_initial(network(), tmp_path / "nan.pth")
