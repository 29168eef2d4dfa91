"""The main job asks for what it says; the run itself takes minutes and is tried by `make demo`."""

from pathlib import Path
from typing import Any

import pytest

from farview.experiments import demo as job
from farview.training.phases import Run
from farview.training.recipe import Recipe


def test_demo_runs_mime_and_reports(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Recipe] = []

    def run(recipe: Recipe, quiet: bool = False) -> Any:
        asked.append(recipe)
        return finished

    monkeypatch.setattr(job, "run", run)
    results = job.demo(seed=3, out=str(tmp_path / "demo"))
    assert asked[0].data.source == "mime:3" and asked[0].seed == 3 and asked[0].out == str(tmp_path / "demo")
    assert asked[0].phases == ("teacher", "student", "transfer")
    assert (tmp_path / "demo" / "results.json").is_file()
    shown = capsys.readouterr().out
    assert str(tmp_path / "demo" / "report.html") in shown
    for name, label in (("teacher", "T-Net"), ("student", "S-Net"), ("cstat", "CSTAT")):
        assert f"{label:6} prec@1 {results[name]['prec1']:.1f} %" in shown
    monkeypatch.setattr(job, "write_report", lambda *_, **__: results)
    job.demo(seed=3, out=str(tmp_path / "demo"), quiet=True)
    assert capsys.readouterr().out == ""
