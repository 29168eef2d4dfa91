"""Initial weights from elsewhere: torchvision's ResNet, mmaction2's R(2+1)D, any Farview model."""

import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from farview.errors import FarviewError
from farview.models.model_file import read_contract
from farview.models.network import ActionNetwork

State = dict[str, Tensor]

# Parts that may not fit (another input, other classes, other intervals): loaded whole or not at all.
OPTIONAL = {
    "stem": ("backbone.conv1.", "backbone.bn1."),
    "temporal attention": ("attention.",),
    "class head": ("fc.",),
}
EXPECTED = "expected torchvision's ResNet-18 or -34, mmaction2's R(2+1)D-18 or -34 or a Farview .safetensors"


@dataclass(frozen=True)
class Loaded:
    """What became of a file's weights; keys are the network's, or the file's where the network has none."""

    loaded: tuple[str, ...]
    """Taken from the file (the adapted ones too)."""
    adapted: dict[str, str]
    """Taken from the file and changed to fit: how."""
    skipped: dict[str, str]
    """Left as they were in the network, or unused of the file: why."""

    def __str__(self) -> str:
        parts = [f"{len(self.loaded)} tensors loaded"]
        for verb, reasons in (("adapted", self.adapted), ("skipped", self.skipped)):
            parts += [f"{verb}: {reason}" for reason in dict.fromkeys(reasons.values())]
        return "; ".join(parts)


@dataclass(frozen=True)
class Foreign:
    """Weights of a file under the network's names, and the input that its first convolution was made for."""

    state: State
    frames: int = 1
    """Frames that are stacked as channels."""


def load_initial(network: ActionNetwork, path: Path | str) -> Loaded:
    """Copy into `network` what fits of the weights in `path`, and tell what became of each.

    The residual stages must fit as a whole; stem, temporal attention and class head are left as they are where
    they do not. The first convolution is adapted to other channels or stacked frames. Raises FarviewError where
    the file is missing, unreadable, unrecognised or of another backbone; the network is unchanged then.
    """
    foreign = read_weights(Path(path))
    state = foreign.state
    adapted: dict[str, str] = {}
    first = "backbone.conv1.weight" if network.stacked else "backbone.conv1.conv.conv_s.weight"
    if first in state:
        frames = network.frames if network.stacked else 1
        state, adapted = adapt_first(state, first, foreign.frames, network.channels, frames)
    misfits = f"{path}: does not fit {network.config.backbone} of width {network.config.width}"
    return fill(network, state, "backbone.layer", OPTIONAL, adapted, misfits)


def adapt_first(
    state: State, first: str, frames_from: int, channels: int, frames: int
) -> tuple[State, dict[str, str]]:
    """`state` with its first convolution adapted by `adapt_input`, and what was done to it."""
    fitted = adapt_input(state[first], frames_from, channels, frames)
    if fitted is state[first]:
        return state, {}
    how = f"{first} from {state[first].shape[1]} to {fitted.shape[1]} input channels"
    return state | {first: fitted}, {first: how}


def fill(
    network: nn.Module,
    state: State,
    whole: str,
    optional: Mapping[str, tuple[str, ...]],
    adapted: dict[str, str],
    misfits: str,
) -> Loaded:
    """Copy `state`, which is under the network's names, into `network`.

    The parts in `optional`, by their prefixes, are left as they are where they do not fit; all else must, and what
    begins with `whole` must not be in `state` alone. `adapted` says what of `state` was changed before. Raises
    FarviewError, which begins with `misfits`; the network is unchanged then.
    """
    target = network.state_dict()
    skipped = {key: "not part of this network" for key in state.keys() - target.keys()}
    for part, prefixes in optional.items():
        keys = [key for key in target if key.startswith(prefixes)]
        if misfit := first_misfit(keys, state, target):
            skipped |= dict.fromkeys(keys, f"{part}: {misfit}")
    if misfit := first_misfit([key for key in target if key not in skipped], state, target):
        raise FarviewError(f"{misfits}: {misfit}")
    if alone := [key for key in state.keys() - target.keys() if key.startswith(whole)]:
        raise FarviewError(f"{misfits}: {min(alone)} is in the file alone")
    loaded = [key for key in target if key in state and key not in skipped]
    for key in loaded:
        if not torch.isfinite(state[key]).all():
            raise FarviewError(f"{misfits}: {key} holds NaN or infinity; use another file")
    network.load_state_dict(target | {key: state[key] for key in loaded})
    return Loaded(tuple(loaded), {key: how for key, how in adapted.items() if key in loaded}, skipped)


def first_misfit(keys: list[str], state: State, target: State) -> str:
    """Why `state` cannot fill `keys` of `target`; empty where it can."""
    for key in keys:
        shape = tuple(target[key].shape)
        if key not in state:
            if not key.endswith("num_batches_tracked"):  # files of before 2018 lack it; it has no effect here
                return f"{key} {shape} is not in the file"
        elif tuple(state[key].shape) != shape:
            return f"{key} is {tuple(state[key].shape)} in the file, {shape} in the network"
    return ""


def adapt_input(weight: Tensor, frames_from: int, channels: int, frames: int) -> Tensor:
    """First convolution (O, C*T, ...) for C = `channels`, T = `frames`; `frames_from` frames were stacked before.

    On a still clip of grey frames the new one answers as the old one did: colours become grey by their sum
    (that is, 3 times their mean), grey becomes colours and a frame becomes frames in equal shares.
    """
    old = weight.unflatten(1, (-1, frames_from))  # (O, C_old, T_old, ...)
    if old.shape[1:3] == (channels, frames):
        return weight
    still = old.sum(2, keepdim=True)  # (O, C_old, 1, ...)
    if old.shape[1] != channels:
        still = still.sum(1, keepdim=True).repeat_interleave(channels, 1) / channels
    return (still.repeat_interleave(frames, 2) / frames).flatten(1, 2)


def read_weights(path: Path) -> Foreign:
    """A file's weights under the network's names. Raises FarviewError where it cannot be read or recognised."""
    if path.suffix == ".safetensors" and path.is_file():
        contract = read_contract(path)
        stacked = contract.network.backbone.startswith("resnet")
        return Foreign(load_file(path), contract.intervals.frames if stacked else 1)
    state = read_state(path)
    for mark, rename in KINDS.items():
        if mark in state:
            return Foreign({rename(key): value for key, value in state.items()})
    found = ", ".join(list(state)[:3]) or "nothing"
    raise FarviewError(f"{path}: unknown kind of weights, its first keys are {found}; {EXPECTED}")


def of_torchvision(key: str) -> str:
    """The network's name for a key of torchvision's ResNet."""
    return key if key.startswith("fc.") else f"backbone.{key}"


def of_mmaction(key: str) -> str:
    """The network's name for a key of mmaction2's R(2+1)D."""
    return key.replace("cls_head.fc_cls.", "fc.")


KINDS: dict[
    str, Callable[[str], str]
] = {  # a key that only this kind of file has -> how its keys are renamed
    "layer1.0.conv1.weight": of_torchvision,
    "backbone.layer1.0.conv1.conv.conv_s.weight": of_mmaction,
}


def read_state(path: Path, expected: str = EXPECTED) -> State:
    """The named tensors of a PyTorch file, alone or as its `state_dict`; `expected` ends the message of an error."""
    if not path.is_file():
        raise FarviewError(f"{path}: no such file of weights; {expected}")
    content = unpickled(path, expected)
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise FarviewError(f"{path}: its content is not a dict of named tensors; {expected}")
    return {key: value.detach() for key, value in state.items()}


def unpickled(path: Path, expected: str) -> object:
    """The content of a PyTorch file; nothing but plain weights is ever unpickled."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if code := re.search(r"GLOBAL (\S+)", str(error)):
            raise FarviewError(
                f"{path}: refused, it holds more than weights ({code[1]}) and reading it would run its code; "
                "save its state_dict alone, by torch.save, where you trust it"
            ) from None
        reason: Exception = error
    except Exception as error:  # a damaged file may raise nearly anything
        reason = error
    raise FarviewError(f"{path}: not a readable PyTorch file ({one_line(reason)}); {expected}") from None


def one_line(error: Exception) -> str:
    """The start of an error's message."""
    return " ".join(str(error).split())[:120] or type(error).__name__
