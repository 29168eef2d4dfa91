"""A whole run on a tiny data set: two classes of bars, T-Net, S-Net and CSTAT of one epoch each."""

import pytest

from farview.training.phases import Run, run
from tests.training.tiny import make_clips, tiny_recipe


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tiny")
    make_clips(folder / "clips", each=14)
    epochs = ("--teacher.epochs=2", "--student.epochs=1", "--transfer.epochs=2")
    return run(tiny_recipe(folder, *epochs), quiet=True)
