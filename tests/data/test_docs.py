"""What docs/data.md says works."""

import re
import subprocess
import sys
from pathlib import Path

from farview.data.config import DataConfig
from farview.data.datasets import KINDS, open_data

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def test_the_array_that_it_saves_can_be_opened(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    subprocess.run([sys.executable, "-c", code[1]], cwd=tmp_path, check=True)
    data = open_data(DataConfig(f"array:{tmp_path}", split="anna"))
    assert (len(data.part("train")), len(data.part("test"))) == (4, 2) and data.classes == ("fall", "sit")


def test_the_table_that_it_shows_can_be_opened(tmp_path: Path, touch) -> None:
    table = re.search(r"```\n(path,.*?)```", PAGE, re.DOTALL)
    assert table is not None
    lines = table[1].splitlines()
    (tmp_path / "clips.csv").write_text("\n".join([*lines, "fall/3.mp4,fall,eve,train"]))
    touch(tmp_path, [*(line.split(",")[0] for line in lines[1:]), "fall/3.mp4"])
    data = open_data(DataConfig(f"folder:{tmp_path}"))
    assert [(c.part, c.group) for c in data.clips] == [("train", "anna"), ("test", "ben"), ("train", "eve")]


def test_every_kind_has_its_paragraph() -> None:
    assert {kind for kind in KINDS if f"`{kind}:`" not in PAGE} == set() and "## `mime`" in PAGE
