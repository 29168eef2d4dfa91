"""A copy of the tiny run with all its figures, made once."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from farview.experiments.figures.clips import examples_of
from farview.experiments.figures.draw import figures
from farview.experiments.figures.subject import Example, Subject, open_subject
from farview.training.phases import Run


class Drawn(NamedTuple):
    """What one command wrote."""

    run: Path
    out: Path
    facts: dict
    subject: Subject
    examples: list[Example]


@pytest.fixture(scope="session")
def drawn(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("figures")
    shutil.copytree(finished.recipe.out, folder / "run")
    figures(folder / "run", folder / "out", dpi=60, quiet=True)
    subject = open_subject(folder / "run")
    examples, _ = examples_of(subject)
    facts = json.loads((folder / "out" / "figures.json").read_text())
    return Drawn(folder / "run", folder / "out", facts, subject, examples)
