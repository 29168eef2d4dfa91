"""A folder and a model for the tests of one file."""

from pathlib import Path

import pytest

from tests.deploy.serve.clients import small_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    return small_model(folder)
