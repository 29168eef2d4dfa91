"""A trained model as one `.safetensors` file: the weights, and the contract as its metadata."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from farview.errors import FarviewError
from farview.frames.files import atomic_write
from farview.models.bundle import is_bundle
from farview.models.contract import KEY, Contract, read_contract

if TYPE_CHECKING:  # PyTorch is imported where it is needed: reading a contract is quick
    from torch import Tensor

    from farview.models.network import ActionNetwork

__all__ = ["load_model", "network_of", "read_contract", "save_model"]


def save_model(path: Path | str, network: "ActionNetwork", contract: Contract) -> None:
    """Write `network` and `contract` to `path`, whole or not at all; the same model gives the same bytes.

    Raises ValueError where the contract describes another network.
    """
    from safetensors.torch import save

    made = network.config, network.classes, network.channels, network.intervals, network.frames
    if made != arguments(contract):
        raise ValueError(f"the contract describes {arguments(contract)}, the network is {made}")
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    with atomic_write(Path(path)) as file:
        file.write(save(weights, {KEY: contract.to_json()}))


def load_model(path: Path | str) -> "tuple[ActionNetwork, Contract]":
    """The network of a model file, on the CPU and in eval mode, and its contract.

    Raises FarviewError as `read_contract` does, for an exported model, and where the weights do not fit the network.
    """
    if is_bundle(path):
        raise FarviewError(
            f"{path}: an exported model, which is only run; name the .safetensors that it was made of"
        )
    from safetensors.torch import load_file

    contract = read_contract(path)
    try:
        return network_of(contract, load_file(path)), contract
    except FarviewError as error:
        raise FarviewError(f"{path}: {error}") from None


def network_of(contract: Contract, weights: "dict[str, Tensor]") -> "ActionNetwork":
    """The network that a contract describes with these weights, on the CPU and in eval mode.

    Raises FarviewError where they do not fit.
    """
    import torch

    from farview.models.network import ActionNetwork

    with torch.device("meta"):  # no initialisation: it would take time and random numbers
        network = ActionNetwork(*arguments(contract))
    network.to_empty(device="cpu")
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise FarviewError(f"the weights do not fit the network of its metadata ({reason})") from None
    return network.eval()


def arguments(contract: Contract) -> tuple[Any, ...]:
    """What `ActionNetwork` takes for the network that a contract describes."""
    intervals = contract.intervals
    return contract.network, len(contract.classes), contract.channels, intervals.count, intervals.frames
