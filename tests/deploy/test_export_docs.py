"""The commands and the Python that docs/export.md shows, run."""

import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from farview.cli import main
from tests.deploy.models import FLAT, clips, model_file
from tests.frames.videos import moving_picture, write_video

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")


def test_its_commands_and_its_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="pip install 'farview[export]'")
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "clip.mp4", moving_picture(10, 48, 64))
    data = {"source": f"folder:{clips(tmp_path / 'clips')}"}
    model_file(tmp_path / "model.safetensors", replace(FLAT, trained={"data": data}))
    blocks = re.findall(r"```\n(.*?)```", PAGE, re.S)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("farview ")]
    assert len(commands) == 7
    for words in commands:
        if "openvino" not in words:  # which is not in the test extra: tests/deploy/test_export.py
            main(words)
    expected = ["hall.zip", "model.onnx-int8.zip", "model.onnx.zip", "model.program.zip"]
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == expected
    assert (tmp_path / "seen.mkv").exists()
    snippets = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(snippets) == 2
    for code in snippets:
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.split()[0] in FLAT.classes, done.stderr
