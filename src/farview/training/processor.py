"""What a recipe's machine means for PyTorch: threads, device, the order of weights in memory, what it gets wrong."""

import logging
import warnings

import torch
from torch import nn

from farview.errors import FarviewError
from farview.training.recipe import MachineConfig


def settle(machine: MachineConfig) -> None:
    """Before training: PyTorch's threads; and no hints of Lightning, which are for its developers."""
    if machine.threads:
        torch.set_num_threads(machine.threads)
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec.*")


def device_of(machine: MachineConfig) -> str:
    """Where a trained network is measured: one GPU, if training took GPUs."""
    wanted = machine.accelerator in ("auto", "gpu", "cuda")
    return "cuda" if wanted and torch.cuda.is_available() else "cpu"


def laid_out(network: nn.Module) -> nn.Module:
    """The same network, brought to channels last in memory where that is faster: 1.1 to 1.5 times on a CPU.

    PyTorch 2.13's backward corrupts memory so with 4 channels in 2D: then it stays as it is.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)]
    if any(isinstance(layer, nn.Conv3d) for layer in layers):
        return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    if layers and all(layer.out_channels % 8 == 0 for layer in layers):
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def refuse_unsound(machine: MachineConfig, network: nn.Module) -> None:
    """Raise FarviewError for 3-D convolutions in 16 bits on a CPU.

    PyTorch 2.13's gradient of their weights is then left-over memory where the input is two frames long, and other
    shapes end the process (seen with AVX-512 bf16; float32 was compared with float64 on the same shapes and is
    right).
    """
    if machine.precision == "32-true" or machine.accelerator not in ("auto", "cpu"):
        return
    if device_of(machine) == "cpu" and any(isinstance(layer, nn.Conv3d) for layer in network.modules()):
        raise FarviewError(
            f"machine.precision: {machine.precision}: PyTorch gets gradients of 3-D convolutions wrong in 16 bits on a "
            "CPU; set machine.precision: 32-true, or train on a GPU"
        )
