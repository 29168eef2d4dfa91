"""A trained PoT or ISR classifier as one `.safetensors` file: arrays, and all else as JSON in its metadata."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from farview.errors import FarviewError
from farview.frames.files import atomic_write
from farview.frames.sensor import SensorModel
from farview.models.contract import RIVAL, Contract
from farview.models.model_file import network_of
from farview.rivals.frame_network import FrameNetwork
from farview.rivals.pot import PotConfig, PotModel
from farview.rivals.svm import Svm

FORMAT = 2  # a network beside the machine; files without one say 1
NETWORK = "network."
"""Before the names of its weights."""


def save_pot(path: Path, model: PotModel) -> None:
    """Write the model whole or not at all; the same model gives the same bytes."""
    text: dict[str, Any] = {
        "format": FORMAT if model.network else 1,
        "method": model.method,
        "config": asdict(model.config),
        "classes": model.classes,
        "sensor": asdict(model.sensor),
        "sizes": model.sizes,
        "c": model.svm.c,
        "temperature": model.svm.temperature,
        "trained": model.trained,
        "accuracy": model.accuracy,
    }
    arrays = {
        "vectors": model.vectors,
        "scales": model.scales,
        "coefficients": model.svm.coefficients,
        "intercept": model.svm.intercept,
    }
    if model.network is not None:
        text |= {"network": model.network.contract.to_json(), "frames": model.frames}
        weights = model.network.network.state_dict()
        arrays |= {f"{NETWORK}{name}": value.cpu().numpy() for name, value in weights.items()}
    with atomic_write(path) as file:
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        file.write(save(whole, {RIVAL: json.dumps(text, sort_keys=True, ensure_ascii=False)}))


def read_description(path: Path) -> dict[str, Any]:
    """All but the arrays of any rival's file: `method`, `classes`, `sensor`, `trained`, `accuracy` and more.

    Raises FarviewError where the file is missing, damaged, another kind of file or of a newer format.
    """
    if not path.is_file():
        raise FarviewError(f"{path}: no such model; expected a .safetensors file of a rival")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(RIVAL)
    except (SafetensorError, OSError) as error:
        raise FarviewError(f"{path}: not a whole .safetensors file ({error}); train it again") from None
    if text is None:
        raise FarviewError(f"{path}: not a rival of Table V (its metadata lack '{RIVAL}')")
    found = json.loads(text)
    if found["format"] > FORMAT:
        raise FarviewError(
            f"{path}: has format {found['format']}, this Farview reads up to {FORMAT}: upgrade farview"
        )
    return found


def load_pot(path: Path) -> PotModel:
    """The model of a file, its network on the CPU and in eval mode.

    Raises FarviewError as `read_description` does, for a rival network, and where weights do not fit.
    """
    from safetensors.numpy import load_file

    text = read_description(path)
    if "c" not in text:
        raise FarviewError(f"{path}: holds '{text['method']}'; expected pot or isr")
    arrays = load_file(path)
    machine = Svm(arrays["coefficients"], arrays["intercept"], text["c"], text["temperature"])
    return PotModel(
        method=text["method"],
        config=PotConfig(tuple(text["config"]["descriptors"])),
        classes=tuple(text["classes"]),
        sensor=SensorModel(**text["sensor"]),
        sizes=tuple(text["sizes"]),
        scales=arrays["scales"],
        vectors=arrays["vectors"],
        svm=machine,
        network=_network(path, text, arrays),
        frames=text.get("frames", 0),
        trained=text["trained"],
        accuracy=text["accuracy"],
    )


def _network(path: Path, text: dict[str, Any], arrays: dict[str, Any]) -> FrameNetwork | None:
    """What the descriptor cnn comes from, where the file has one."""
    if "network" not in text:
        return None
    import torch

    weights = {
        name.removeprefix(NETWORK): torch.from_numpy(array)
        for name, array in arrays.items()
        if name.startswith(NETWORK)
    }
    try:
        contract = Contract.from_json(text["network"])
        return FrameNetwork(network_of(contract, weights), contract)
    except FarviewError as error:
        raise FarviewError(f"{path}: {error}") from None
