"""Untrained models whose scores tell windows apart, and frames for them."""

from pathlib import Path

import numpy as np
import torch

from farview.frames.flow import FlowConfig
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from farview.models.contract import Contract, NetworkConfig
from farview.models.model_file import save_model
from farview.models.network import ActionNetwork

SENSOR = SensorModel(6, 8)


def save(
    path: Path,
    backbone: str = "resnet18",
    intervals: Intervals = Intervals(3, 2, 1),
    classes: tuple[str, ...] = ("walk", "fall", "background"),
    flow: FlowConfig | None = None,
    **facts: object,
) -> Path:
    """A model for eLR frames of `SENSOR`, RGB or their flow; `facts` is what its file tells of its training."""
    channels = 3 if flow is None else 2
    contract = Contract(
        classes=classes,
        network=NetworkConfig(backbone, 4, "small"),  # type: ignore[arg-type]
        channels=channels,
        input_size=(24, 32),
        resolution="elr",
        sensor=SENSOR,
        intervals=intervals,
        mean=(0.4,) * channels,
        std=(0.2,) * channels,
        trained=facts,
        flow=flow,
    )
    torch.manual_seed(0)
    network = ActionNetwork(contract.network, len(classes), channels, intervals.count, intervals.frames)
    torch.nn.init.normal_(network.fc.weight)
    torch.nn.init.normal_(network.attention.fc2.weight)
    save_model(path, network, contract)
    return path


def elr_frames(count: int, seed: int = 0) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), np.uint8)
