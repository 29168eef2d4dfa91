"""Small models and clips for tests of what is made of a model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from farview.models.contract import Contract, NetworkConfig
from farview.models.model_file import save_model
from farview.training.phases import build_network

FLAT = Contract(
    classes=("walk", "Fallen", "跳"),
    network=NetworkConfig("resnet18", 4, "small", differences=True),
    channels=3,
    input_size=(24, 32),
    resolution="elr",
    sensor=SensorModel(6, 8),
    intervals=Intervals(3, 2, 2),
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.3, 0.4),
)
"""S-Net, 2D, changes between frames."""
DEEP = replace(
    FLAT,
    network=NetworkConfig("r2plus1d18", 2, "tiny", pyramid=2),
    channels=1,
    input_size=(12, 16),
    resolution="hr",
    sensor=None,
    intervals=Intervals(2, 3, 1),
    mean=(0.0,),
    std=(0.25,),
)
"""T-Net, 3D, grey, with a temporal pyramid."""


def model_file(path: Path, contract: Contract, seed: int = 0) -> Path:
    """Random weights whose scores tell recordings apart; norms that have seen noise of every brightness."""
    torch.manual_seed(seed)
    network = build_network(contract)
    intervals = contract.intervals
    noise = torch.randn(4, intervals.count, contract.channels, intervals.frames, *contract.input_size)
    with torch.no_grad():
        network.train()(noise + torch.randn(4, intervals.count, 1, 1, 1, 1))
    torch.nn.init.normal_(network.attention.fc2.weight)
    torch.nn.init.normal_(network.fc.weight)
    save_model(path, network, contract)
    return path


def clips(folder: Path, count: int = 4, length: int = 9) -> Path:
    """A folder data set of the classes of the contracts above: coarse noise, as arrays of HR frames."""
    rng = np.random.default_rng(0)
    for label in FLAT.classes:
        (folder / label).mkdir(parents=True)
        for number in range(count):
            np.save(folder / label / f"{number}.npy", coarse(length, rng))
    return folder


def coarse(length: int, rng: np.random.Generator) -> Images:
    """(length, 48, 64, 3) with detail that the sensor keeps."""
    return rng.integers(0, 256, (length, 6, 8, 3), np.uint8).repeat(8, 1).repeat(8, 2)


def shown(contract: Contract, intervals: int, seed: int = 0) -> Images:
    """Frames of `intervals` intervals, bright and dark, as the model's camera gives them, (B, T, h, w, C)."""
    size = (6, 8) if contract.resolution == "elr" else contract.input_size
    shape = intervals, contract.intervals.frames, *size, contract.channels
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 256, shape) * rng.random((intervals, 1, 1, 1, 1))).astype(np.uint8)
