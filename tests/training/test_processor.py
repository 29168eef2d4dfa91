"""The order of weights in memory changes nothing but speed; what PyTorch gets wrong is refused."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from farview.errors import FarviewError
from farview.models.network import ActionNetwork
from farview.rivals.i3d import I3dConfig
from farview.training.processor import device_of, laid_out, refuse_unsound
from farview.training.recipe import MachineConfig, NetworkConfig
from tests.rivals.networks import batch


@pytest.mark.parametrize(
    ("backbone", "width", "order"),
    [
        ("resnet18", 8, torch.channels_last),
        ("resnet18", 4, torch.contiguous_format),
        ("r2plus1d18", 4, torch.channels_last_3d),
    ],
)
def test_a_network_computes_the_same_channels_last(
    backbone: str, width: int, order: torch.memory_format
) -> None:
    torch.manual_seed(0)
    network = ActionNetwork(NetworkConfig(backbone=backbone, width=width, stem="small"), 3, 1, 2, 4).double()
    twin = laid_out(deepcopy(network))
    convolutions = [layer for layer in twin.modules() if isinstance(layer, nn.Conv2d | nn.Conv3d)]
    assert all(layer.weight.is_contiguous(memory_format=order) for layer in convolutions)
    video = torch.randn(2, 2, 1, 4, 24, 32, dtype=torch.float64)
    for each in (network, twin):
        each(video).logits.square().sum().backward()
    for (name, first), second in zip(network.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(second, first, rtol=0, atol=0, msg=name)
        assert first.grad is not None or second.grad is None
        if first.grad is not None:
            torch.testing.assert_close(second.grad, first.grad, rtol=1e-8, atol=1e-8)


def test_a_rival_is_laid_out_too() -> None:
    config = I3dConfig(size=(32, 32), width=1 / 16)
    network = laid_out(config.build(2, 1)).eval()
    assert network(batch(config, [0, 1])).shape[::2] == (2, 2)
    assert all(
        layer.weight.is_contiguous(memory_format=torch.channels_last_3d)
        for layer in network.modules()
        if isinstance(layer, nn.Conv3d)
    )


@pytest.mark.parametrize("kernel", [(3, 3, 3), (3, 1, 1), (1, 3, 3)])
@pytest.mark.parametrize("frames", [1, 2, 3])
def test_gradients_of_what_is_not_refused_are_right(kernel: tuple[int, int, int], frames: int) -> None:
    """float32 beside float64: the shapes at which 16 bits are wrong."""
    torch.manual_seed(frames)
    padding = tuple(size // 2 for size in kernel)
    layer = laid_out(nn.Conv3d(16, 8, kernel, padding=padding, bias=False))
    exact = deepcopy(layer).double()
    frames_ = torch.randn(4, 16, frames, 3, 4)
    above = torch.randn(4, 8, frames, 3, 4)
    layer(frames_).backward(above)
    exact(frames_.double()).backward(above.double())
    torch.testing.assert_close(layer.weight.grad.double(), exact.weight.grad, rtol=1e-4, atol=1e-4)


def test_sixteen_bits_on_a_cpu_are_refused_in_three_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    deep, flat = nn.Sequential(nn.Conv3d(1, 8, 3)), nn.Sequential(nn.Conv2d(1, 8, 3))
    for precision in ("bf16-mixed", "16-mixed"):
        with pytest.raises(FarviewError, match=f"machine.precision: {precision}"):
            refuse_unsound(MachineConfig(accelerator="cpu", precision=precision), deep)
        refuse_unsound(MachineConfig(accelerator="cpu", precision=precision), flat)
        refuse_unsound(MachineConfig(accelerator="gpu", precision=precision), deep)
    refuse_unsound(MachineConfig(accelerator="cpu"), deep)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    refuse_unsound(MachineConfig(precision="bf16-mixed"), deep)
    assert device_of(MachineConfig()) == "cuda" and device_of(MachineConfig(accelerator="cpu")) == "cpu"
