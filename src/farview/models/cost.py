"""What a network costs: parameters and multiply-adds, counted on shapes alone, nothing is computed.

The paper's figures follow MMCV's `get_model_complexity_info`: multiply-adds of convolutions and fully connected
layers, plus 2 for each number that enters a BatchNorm (its class of synchronised ones is not known to MMCV and not
counted), 1 for each number that leaves a ReLU and 1 for each that enters a pooling. They leave the temporal
attention out and look at one interval.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from farview.models.contract import Contract, NetworkConfig
from farview.models.network import ActionNetwork
from farview.models.r2plus1d import ConvNorm

POOLS = (nn.MaxPool2d, nn.MaxPool3d)
NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Cost:
    """Counts of one network on one input; operations are multiply-adds."""

    interval: int
    """Convolutions and class head, one interval, without temporal attention."""
    interval_mmcv: int
    """The same in MMCV's convention, the outer norms of R(2+1)D left out as synchronised ones: the paper's figure."""
    interval_mmcv_all: int
    """The same with the outer norms. Equal to `interval_mmcv` for ResNet."""
    video: int
    """Convolutions of all intervals, temporal attention and class head."""
    parameters: int
    """Without temporal attention: the paper's figure."""
    parameters_total: int
    """With temporal attention."""


def cost_of(contract: Contract) -> Cost:
    """Cost of the network of a model file."""
    intervals, size = contract.intervals, contract.input_size
    classes, channels = len(contract.classes), contract.channels
    return cost(contract.network, classes, channels, intervals.count, intervals.frames, size)


@cache
def cost(
    config: NetworkConfig, classes: int, channels: int, intervals: int, frames: int, size: tuple[int, int]
) -> Cost:
    """Cost of `ActionNetwork(config, classes, channels, intervals, frames)` on frames of `size` (height, width).

    Raises FarviewError where the network cannot take that size.
    """
    with torch.device("meta"):
        network = ActionNetwork(config, classes, channels, intervals, frames).eval()
        clip = torch.empty(1, intervals, channels, frames, *size)
    network.check(tuple(clip.shape))
    image = clip[0, :1]  # (1, C, T, H, W), one interval
    features = torch.empty(1, intervals, network.backbone.features, device="meta")
    convolutions = multiply_adds(lambda: network.backbone(network.stack(image)))
    attention = multiply_adds(lambda: network.attention(features))
    head = multiply_adds(lambda: network.interval_logits(features[:, 0]))
    inner, outer = other_operations(network, image)
    total, extra = (sum(p.numel() for p in m.parameters()) for m in (network, network.attention))
    return Cost(
        interval=convolutions + head,
        interval_mmcv=convolutions + head + inner,
        interval_mmcv_all=convolutions + head + inner + outer,
        video=intervals * convolutions + attention + head,
        parameters=total - extra,
        parameters_total=total,
    )


def multiply_adds(run: Callable[[], object]) -> int:
    """Multiply-adds of the convolutions and matrix products in `run`: recurrent layers' and attention's among them."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # fused kernels hide their products from the counter
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            run()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops() // 2  # PyTorch counts the product and the sum


def other_operations(network: ActionNetwork, image: Tensor) -> tuple[int, int]:
    """What MMCV's convention adds for one interval (1, C, T, H, W): (all but outer norms, outer norms)."""
    outer_norms = {m.bn for m in network.modules() if isinstance(m, ConvNorm)}
    count = {True: 0, False: 0}  # of outer norms, of all else

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        factor = 2 if isinstance(module, NORMS) else 1
        counted = output if isinstance(module, nn.ReLU) else inputs[0]
        count[module in outer_norms] += factor * counted.numel()

    kinds = (nn.ReLU, *NORMS, *POOLS)
    hooks = [m.register_forward_hook(add) for m in network.backbone.modules() if isinstance(m, kinds)]
    last = network.backbone(network.stack(image))[-1]
    for hook in hooks:
        hook.remove()
    return count[False] + last.numel(), count[True]  # global average pooling reads the last map
