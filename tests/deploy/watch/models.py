"""Untrained models whose scores tell windows apart, and frames for them."""

from pathlib import Path

import numpy as np
import torch

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
    **facts: object,
) -> Path:
    """A model for eLR frames of `SENSOR`, 3 channels; `facts` are what its file tells of its training."""
    contract = Contract(
        classes=classes,
        network=NetworkConfig(backbone, 4, "small"),  # type: ignore[arg-type]
        channels=3,
        input_size=(24, 32),
        resolution="elr",
        sensor=SENSOR,
        intervals=intervals,
        mean=(0.4,) * 3,
        std=(0.2,) * 3,
        trained=facts,
    )
    torch.manual_seed(0)
    network = ActionNetwork(contract.network, len(classes), 3, intervals.count, intervals.frames)
    torch.nn.init.normal_(network.fc.weight)
    torch.nn.init.normal_(network.attention.fc2.weight)
    save_model(path, network, contract)
    return path


def elr_frames(count: int, seed: int = 0) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), np.uint8)
