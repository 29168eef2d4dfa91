"""I3D: its size, what inflation keeps, its two streams."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.rivals.i3d import (
    GOOGLENET,
    MIXED,
    I3d,
    I3dConfig,
    Inception,
    each_stream,
    inflate,
    load_inception,
)
from farview.rivals.network import Step
from tests.rivals.networks import batch, loss_after_steps, run_end_to_end

NARROW = I3dConfig(intervals=Intervals(1, 5), size=(24, 32), width=1 / 16)


def test_it_has_the_published_size() -> None:
    """Table 1 of the publication: 12 M parameters a stream, 25 M both; 64 frames are 8 steps of 7x7."""
    with torch.device("meta"):
        rgb, flow = I3d(400, 3), I3d(400, 2)
        steps = rgb.body(torch.empty(1, 3, 64, 224, 224))
    sizes = [sum(p.numel() for p in net.parameters()) for net in (rgb, flow)]
    assert sizes[0] // 10**6 == 12 and sum(sizes) // 10**6 == 25
    assert steps.shape == (1, 1024, 8, 7, 7)


def two_dimensional(state: dict[str, torch.Tensor], image: torch.Tensor) -> dict[str, torch.Tensor]:
    """Inception-v1 of 2D `state` on images (N, C, H, W): what each block gives, written with 2D functions."""

    def unit(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        weight = state[f"{name}.conv3d.weight"]
        kernel = weight.shape[-1]
        total = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[:1:-1]]
        x = F.pad(x, [n for t in total for n in (t // 2, t - t // 2)])
        names = ("running_mean", "running_var", "weight", "bias")
        norm = [state[f"{name}.bn.{key}"] for key in names]
        return F.batch_norm(F.conv2d(x, weight, stride=stride), *norm, eps=1e-3).relu()

    def pool(x: torch.Tensor, kernel: int) -> torch.Tensor:
        total = [max((-(-n // 2) - 1) * 2 + kernel - n, 0) for n in x.shape[:1:-1]]
        return F.max_pool2d(F.pad(x, [n for t in total for n in (t // 2, t - t // 2)]), kernel, 2)

    found = {"Conv3d_1a_7x7": unit(image, "Conv3d_1a_7x7", 2)}
    x = unit(pool(found["Conv3d_1a_7x7"], 3), "Conv3d_2b_1x1")
    x = found["Conv3d_2c_3x3"] = unit(x, "Conv3d_2c_3x3")
    for name in (f"Mixed_{each}" for each in MIXED):
        if name[-2:] in ("3b", "4b", "5b"):
            x = pool(x, 2 if name == "Mixed_5b" else 3)
        branches = [unit(x, f"{name}.b0")]
        for branch in ("b1", "b2"):
            branches.append(unit(unit(x, f"{name}.{branch}a"), f"{name}.{branch}b"))
        branches.append(unit(F.max_pool2d(x, 3, 1, 1), f"{name}.b3b"))
        x = found[name] = torch.cat(branches, 1)
    return found


def test_inflated_filters_answer_to_a_still_clip_as_the_image_ones_do() -> None:
    """128 frames: zeros beyond the first and last one reach every layer, but not its middle step."""
    torch.manual_seed(0)
    network = Inception(3, 1 / 16).double().eval()
    state = {}
    for key, value in network.state_dict().items():
        if value.ndim == 5:
            state[key] = torch.randn(*value.shape[:2], *value.shape[3:]).double() * 0.3
        elif value.ndim == 1:
            state[key] = torch.rand(value.shape).double() + 0.5
    whole = {k: inflate(v, network.state_dict()[k].shape[2]) if v.ndim == 4 else v for k, v in state.items()}
    network.load_state_dict(network.state_dict() | whole)
    image = torch.randn(1, 3, 33, 40).double()
    expected = two_dimensional(state, image)
    x = image[:, :, None].expand(-1, -1, 128, -1, -1)
    with torch.no_grad():
        for name, layer in network.named_children():
            x = layer(x)
            if name in expected:
                torch.testing.assert_close(x[:, :, x.shape[2] // 2], expected[name], rtol=1e-9, atol=1e-9)
    assert x.shape[2] == 16 and x.std() > 0


class Body(nn.Module):
    def __init__(self, channels: int, width: float = 1.0) -> None:
        super().__init__()
        self.body = Inception(channels, width)


def test_weights_of_both_public_layouts_are_read_and_others_refused(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = Inception(3, 1.0).state_dict()
    kinetics = {key: torch.rand(value.shape) for key, value in shapes.items()}
    torch.save(kinetics | {"logits.conv3d.bias": torch.zeros(400)}, tmp_path / "kinetics.pt")
    whole = Body(1)
    network = whole.body
    report = str(load_inception(whole, tmp_path / "kinetics.pt"))
    assert "342 tensors loaded" in report and "from 3 to 1 input channels" in report and "not part" in report
    assert torch.equal(network.Mixed_5c.b2b.conv3d.weight, kinetics["Mixed_5c.b2b.conv3d.weight"])
    first = kinetics["Conv3d_1a_7x7.conv3d.weight"].sum(1, keepdim=True)
    torch.testing.assert_close(network.Conv3d_1a_7x7.conv3d.weight, first)
    back = {ours: theirs for theirs, ours in GOOGLENET.items()}
    assert len(back) == 3 + 6 * 9
    googlenet = {"fc.weight": torch.zeros(1), "aux1.conv.conv.weight": torch.zeros(1)}
    for key, value in kinetics.items():
        layer = next(name for name in back if key.startswith(f"{name}."))
        flat = value.sum(2) if value.ndim == 5 else value
        googlenet[key.replace(layer, back[layer]).replace("conv3d", "conv")] = flat
    assert "inception4e.branch3.1.conv.weight" in googlenet
    torch.save(googlenet, tmp_path / "googlenet.pth")
    load_inception(whole, tmp_path / "googlenet.pth")
    spread = kinetics["Mixed_4f.b2b.conv3d.weight"].mean(2, keepdim=True).expand(-1, -1, 3, -1, -1)
    torch.testing.assert_close(network.Mixed_4f.b2b.conv3d.weight, spread)
    with pytest.raises(FarviewError, match=r"of width 1\)"):
        load_inception(Body(3, 0.5), tmp_path / "kinetics.pt")
    both = I3dConfig().build(2, 3)
    lines = both.start("student", str(tmp_path / "kinetics.pt"))
    assert [line.split()[0] for line in lines] == ["rgb", "flow"]
    assert torch.equal(both.nets["rgb"].body.Conv3d_1a_7x7.bn.bias, kinetics["Conv3d_1a_7x7.bn.bias"])
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(FarviewError, match="expected torchvision's GoogLeNet"):
        load_inception(whole, tmp_path / "other.pth")


def test_logits_are_the_sum_of_streams_that_are_trained_apart() -> None:
    torch.manual_seed(0)
    network = NARROW.build(3, 1).eval()
    seen = batch(NARROW, [0, 1, 2])
    each = each_stream(network.nets, seen, network.size)
    assert set(each) == {"rgb", "flow"} and network(seen).shape == (3, 1, 3)
    torch.testing.assert_close(network(seen), each["rgb"] + each["flow"])
    terms = network.terms(seen, Step("student", 0, 2))
    torch.testing.assert_close(terms["total"], terms["ce-rgb"] + terms["ce-flow"])
    gradients = torch.autograd.grad(
        terms["ce-rgb"], list(network.nets["flow"].parameters()), allow_unused=True
    )
    assert all(gradient is None for gradient in gradients)


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    before, after = loss_after_steps(
        NARROW.build(3, 3), batch(NARROW, [0, 1, 2, 0], channels=3), Step("student", 0, 2), 20
    )
    assert after < 0.7 * before


def test_it_runs_end_to_end(tmp_path: Path) -> None:
    folder = run_end_to_end(tmp_path, NARROW)
    assert (folder / "student" / "history.csv").is_file()


@pytest.mark.parametrize(
    "wrong", [{"streams": ()}, {"streams": ("rgb", "rgb")}, {"streams": ("depth",)}, {"width": 0}]
)
def test_options_that_cannot_work_are_refused(wrong: dict) -> None:
    with pytest.raises(FarviewError, match=next(iter(wrong))):
        I3dConfig(**wrong)
