"""A small model, and clients of a server that runs in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from farview.deploy.serve.api import application
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from tests.deploy.test_record import model_file

SENSOR = SensorModel(12, 16)
TOKEN = "a-token-of-enough-letters"
LIVE = "ws://localhost:8000/api/live"
RAW = {"content-type": "application/octet-stream"}


def small_model(folder: Path, channels: int = 3, noise: float = 2.0) -> Path:
    """Two classes, K = 3 intervals of one frame, untrained."""
    return model_file(folder / f"model{channels}.safetensors", SensorModel(12, 16, noise=noise), channels)


def eleven_frames(seed: int = 0, count: int = 11) -> Images:
    return np.random.default_rng(seed).integers(0, 256, (count, 12, 16, 3), np.uint8)


@contextmanager
def client(model: Path, base_url: str = "http://localhost:8000", **options: Any) -> Iterator[TestClient]:
    """What `application` takes as `options`."""
    with TestClient(application(model, **options), base_url=base_url, raise_server_exceptions=False) as made:
        yield made
