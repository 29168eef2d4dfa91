"""Slow, plain second implementations of the networks, over state dicts whose keys are written down here."""

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def torchvision_shapes(depth: int, width: int = 64, classes: int = 1000) -> dict[str, tuple[int, ...]]:
    """Every key of torchvision's resnet18 or resnet34 with its shape."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (width, 3, 7, 7)}

    def norm(name: str, channels: int) -> None:
        shapes.update({f"{name}.{part}": (channels,) for part in NORM[:4]} | {f"{name}.{NORM[4]}": ()})

    norm("bn1", width)
    inputs = width
    for stage, blocks in enumerate(BLOCKS[depth], start=1):
        planes = width * 2 ** (stage - 1)
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            shapes[f"{name}.conv1.weight"] = (planes, inputs, 3, 3)
            norm(f"{name}.bn1", planes)
            shapes[f"{name}.conv2.weight"] = (planes, planes, 3, 3)
            norm(f"{name}.bn2", planes)
            if block == 0 and stage > 1:
                shapes[f"{name}.downsample.0.weight"] = (planes, inputs, 1, 1)
                norm(f"{name}.downsample.1", planes)
            inputs = planes
    return shapes | {"fc.weight": (classes, inputs), "fc.bias": (classes,)}


def mmaction_shapes(depth: int, width: int = 64, classes: int = 400) -> dict[str, tuple[int, ...]]:
    """Every key of mmaction2's r2plus1d_r18 or r2plus1d_r34 recogniser with its shape."""
    shapes: dict[str, tuple[int, ...]] = {}

    def module(name: str, inputs: int, outputs: int, k: int, t: int) -> None:
        mid = 3 * inputs * outputs * k * k // (inputs * k * k + 3 * outputs)
        shapes[f"{name}.conv.conv_s.weight"] = (mid, inputs, 1, k, k)
        shapes[f"{name}.conv.conv_t.weight"] = (outputs, mid, t, 1, 1)
        for norm, channels in ((f"{name}.conv.bn_s", mid), (f"{name}.bn", outputs)):
            shapes.update({f"{norm}.{part}": (channels,) for part in NORM[:4]} | {f"{norm}.{NORM[4]}": ()})

    module("backbone.conv1", 3, width, 7, 3)
    inputs = width
    for stage, blocks in enumerate(BLOCKS[depth], start=1):
        planes = width * 2 ** (stage - 1)
        for block in range(blocks):
            name = f"backbone.layer{stage}.{block}"
            module(f"{name}.conv1", inputs, planes, 3, 3)
            module(f"{name}.conv2", planes, planes, 3, 3)
            if block == 0 and stage > 1:
                module(f"{name}.downsample", inputs, planes, 1, 1)
            inputs = planes
    return shapes | {"cls_head.fc_cls.weight": (classes, inputs), "cls_head.fc_cls.bias": (classes,)}


def random_state(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> State:
    """Float64 weights of those shapes, variances above 0, of a scale that keeps activations finite."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, shape in shapes.items():
        value = torch.rand(shape, generator=generator, dtype=torch.float64)
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(7)
        elif key.endswith("running_var") or len(shape) < 2:
            state[key] = 0.5 + value
        else:
            state[key] = (value - 0.5) * (12 / value[0].numel()) ** 0.5
    return state


def norm(state: State, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
    """BatchNorm in eval mode, written out."""
    weight, bias, mean, var = (
        state[f"{name}.{part}"].reshape(1, -1, *[1] * (x.ndim - 2)) for part in NORM[:4]
    )
    return (x - mean) / (var + eps).sqrt() * weight + bias


def resnet(state: State, depth: int, x: Tensor) -> list[Tensor]:
    """Stage outputs of torchvision's ResNet over (N, 3, H, W)."""
    x = F.conv2d(x, state["conv1.weight"], stride=2, padding=3)
    x = F.max_pool2d(norm(state, "bn1", x).relu(), 3, 2, 1)
    stages = []
    for stage, blocks in enumerate(BLOCKS[depth], start=1):
        for block in range(blocks):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            shortcut = x
            if stride == 2:
                shortcut = F.conv2d(x, state[f"{name}.downsample.0.weight"], stride=2)
                shortcut = norm(state, f"{name}.downsample.1", shortcut)
            x = F.conv2d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1)
            x = F.conv2d(norm(state, f"{name}.bn1", x).relu(), state[f"{name}.conv2.weight"], padding=1)
            x = (norm(state, f"{name}.bn2", x) + shortcut).relu()
        stages.append(x)
    return stages


def r2plus1d(state: State, depth: int, x: Tensor) -> list[Tensor]:
    """Stage outputs of mmaction2's R(2+1)D over (N, 3, T, H, W), keys without `backbone.`."""

    def module(name: str, x: Tensor, time: int = 1, space: int = 1) -> Tensor:
        first, second = state[f"{name}.conv.conv_s.weight"], state[f"{name}.conv.conv_t.weight"]
        pad = (first.shape[-1] - 1) // 2
        x = F.conv3d(x, first, stride=(1, space, space), padding=(0, pad, pad))
        x = norm(state, f"{name}.conv.bn_s", x).relu()
        x = F.conv3d(x, second, stride=(time, 1, 1), padding=((second.shape[2] - 1) // 2, 0, 0))
        return norm(state, f"{name}.bn", x, eps=1e-3)

    x = F.max_pool3d(module("conv1", x, 1, 2).relu(), (1, 3, 3), (1, 2, 2), (0, 1, 1))
    stages = []
    for stage, blocks in enumerate(BLOCKS[depth], start=1):
        for block in range(blocks):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            shortcut = module(f"{name}.downsample", x, 2, 2) if stride == 2 else x
            inner = module(f"{name}.conv1", x, stride, stride).relu()
            x = (module(f"{name}.conv2", inner) + shortcut).relu()
        stages.append(x)
    return stages
