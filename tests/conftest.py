"""Shared fixtures. PyTorch's threads must not spin while they wait: tests share the machine with others."""

import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the real recordings, named by the environment variable FARVIEW_DATA."""
    value = os.environ.get("FARVIEW_DATA")
    if not value or not Path(value).is_dir():
        pytest.skip("FARVIEW_DATA does not name the folder of real recordings")
    return Path(value)
