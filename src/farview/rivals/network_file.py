"""A trained rival network as one `.safetensors` file: weights, and all else as JSON in its metadata."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save

from farview.errors import FarviewError
from farview.frames.files import atomic_write
from farview.frames.flow import FlowConfig
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from farview.models.contract import RIVAL
from farview.models.cost import multiply_adds
from farview.rivals.fully_coupled import FullyCoupledConfig
from farview.rivals.i3d import I3dConfig
from farview.rivals.multi_siamese import MultiSiameseConfig
from farview.rivals.network import Rival, StreamsConfig
from farview.rivals.pot import PotModel
from farview.rivals.pot_file import load_pot, read_description
from farview.rivals.purwanto import PurwantoConfig
from farview.rivals.semi_coupled import SemiCoupledConfig
from farview.rivals.streams import seen_of

CONFIGS: dict[str, type[StreamsConfig]] = {
    each.method: each
    for each in (FullyCoupledConfig, I3dConfig, MultiSiameseConfig, PurwantoConfig, SemiCoupledConfig)
}
"""By the name of the method."""


@dataclass(frozen=True)
class RivalModel:
    """A rival network with all that is needed to use it."""

    network: Rival
    config: StreamsConfig
    classes: tuple[str, ...]
    """In the order of the logits."""
    channels: int
    """Of the stored frames: 1 or 3."""
    sensor: SensorModel
    """What makes the eLR frames that it sees."""
    flow: FlowConfig
    """How their flow is found, for a flow stream."""
    trained: dict[str, Any] = field(default_factory=dict)
    """How it was trained; values that JSON can hold."""
    accuracy: dict[str, Any] = field(default_factory=dict)
    """What was measured, on what; values that JSON can hold."""

    @property
    def multiply_adds(self) -> int:
        """Of a video: convolutions and matrix products; not flow."""
        sensor = self.sensor
        still = np.zeros((1, sensor.height, sensor.width, self.channels), np.uint8)
        seen = seen_of(still, self.config.streams, self.config.intervals, self.flow)
        return multiply_adds(lambda: self.network(seen))

    @property
    def parameters(self) -> int:
        """Of what testing needs."""
        return sum(p.numel() for name, p in self.network.named_parameters() if _needed(name, self.network))

    def to(self, device: torch.device | str) -> None:
        """Run there from now on."""
        self.network.to(device)

    @torch.no_grad()
    def logits(self, videos: Iterable[Images]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """(N, classes) logits of N eLR videos (T, h, w, C), each of its own T, twice: a network's last features.

        Raises FarviewError for frames of other channels than it was trained on.
        """
        rows, device = [], next(self.network.parameters()).device
        for frames in videos:
            if frames.shape[-1] != self.channels:
                raise FarviewError(
                    f"the frames have {frames.shape[-1]} channels, and the {self.config.method} network was trained "
                    f"on {self.channels}; give it recordings like those, or train it on these"
                )
            seen = seen_of(frames, self.config.streams, self.config.intervals, self.flow)
            rows.append(self.network(seen.to(device)).mean(1)[0].cpu().numpy())
        found = np.stack(rows)
        return found.astype(np.float64), found


def save_rival(path: Path, model: RivalModel) -> None:
    """Write the model whole or not at all, without what only training needs; the same model gives the same bytes."""
    text = {
        "format": 1,
        "method": model.config.method,
        "config": asdict(model.config),
        "classes": model.classes,
        "channels": model.channels,
        "sensor": asdict(model.sensor),
        "flow": asdict(model.flow),
        "trained": model.trained,
        "accuracy": model.accuracy,
    }
    weights = {
        name: value.detach().cpu().contiguous()
        for name, value in model.network.state_dict().items()
        if _needed(name, model.network)
    }
    with atomic_write(path) as file:
        file.write(save(weights, {RIVAL: json.dumps(text, sort_keys=True, ensure_ascii=False)}))


def load(path: Path) -> RivalModel | PotModel:
    """The model of any rival's file. Raises FarviewError as `load_rival` and `load_pot` do."""
    return load_rival(path) if read_description(path)["method"] in CONFIGS else load_pot(path)


def load_rival(path: Path) -> RivalModel:
    """The network of a file, on the CPU and in eval mode, without what only training needs.

    Raises FarviewError as `read_description` does, and where the file holds another kind of rival or other weights.
    """
    text = read_description(path)
    if text["method"] not in CONFIGS:
        raise FarviewError(f"{path}: holds '{text['method']}'; expected one of {', '.join(CONFIGS)}")
    config = CONFIGS[text["method"]](**_typed(text["config"]))
    network = config.build(len(text["classes"]), text["channels"])
    for module in list(network.modules()):
        for name in set(network.training_only) & {name for name, _ in module.named_children()}:
            setattr(module, name, None)
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise FarviewError(f"{path}: the weights do not fit the network of its metadata ({reason})") from None
    return RivalModel(
        network=network.eval(),
        config=config,
        classes=tuple(text["classes"]),
        channels=text["channels"],
        sensor=SensorModel(**text["sensor"]),
        flow=FlowConfig(**text["flow"]),
        trained=text["trained"],
        accuracy=text["accuracy"],
    )


def _needed(name: str, network: Rival) -> bool:
    """Whether testing needs a tensor of this name."""
    return not set(name.split(".")) & set(network.training_only)


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists and objects as the tuples and dataclasses of a config."""
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return plain | {"intervals": Intervals(**values["intervals"])}
