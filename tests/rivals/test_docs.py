"""The rival that docs/add-a-method.md writes down can be trained, and does what the page says."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from farview.frames.intervals import Intervals
from farview.rivals.network import Step, StreamsConfig
from farview.rivals.network_file import CONFIGS
from farview.rivals.options import METHODS, names
from tests.rivals.networks import batch, loss_after_steps, run_end_to_end

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-method.md").read_text(encoding="utf-8")


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> StreamsConfig:
    """Its rival, small, named where the page says that it must be."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    module = ModuleType("frame_mean")
    monkeypatch.setitem(sys.modules, "frame_mean", module)  # dataclasses look there
    exec(code[1], module.__dict__)
    monkeypatch.setitem(CONFIGS, "frame-mean", module.FrameMeanConfig)
    return module.FrameMeanConfig(intervals=Intervals(2, 3), size=(24, 32), width=1 / 8)


def test_it_is_trained_and_its_file_read_again(config: StreamsConfig, tmp_path: Path) -> None:
    run_end_to_end(tmp_path, config)


def test_a_step_lowers_its_loss(config: StreamsConfig) -> None:
    torch.manual_seed(0)
    seen = batch(config, [0, 1, 0, 1])
    before, after = loss_after_steps(config.build(2, 1), seen, Step("student", 0, 1))
    assert after < before


def test_the_order_of_the_frames_does_not_matter(config: StreamsConfig) -> None:
    torch.manual_seed(0)
    network, seen = config.build(2, 1).eval(), batch(config, [0, 1])
    expected = network(seen)
    for part in seen.parts.values():
        assert part.elr is not None
        part.elr = part.elr.flip(2)  # (B, K, T, h, w, C)
    torch.testing.assert_close(network(seen), expected)


def test_the_page_on_tables_lists_every_option() -> None:
    """Those in the first cells of its table are those that the configs have."""
    page = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
    lines = page.split("| option | of | is |\n| --- | --- | --- |\n")[1].split("\n\n")[0].splitlines()
    listed = {name for line in lines for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert listed == set().union(*(names(kind) for kind in METHODS.values()))
