"""The commands that docs/record.md shows, run; and what it shows in Python."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from farview.cli import main
from farview.frames.sensor import SensorModel
from tests.deploy.cameras import HttpCamera
from tests.deploy.rtsp import RtspCamera
from tests.deploy.test_record import hr_frames, model_file
from tests.frames.videos import moving_picture, write_video

PAGE = (Path(__file__).parents[2] / "docs" / "record.md").read_text(encoding="utf-8")


def shown(verb: str) -> list[list[str]]:
    """The commands in the page's shell blocks, as lists of words."""
    blocks = [text for language, text in re.findall(r"```(\w*)\n(.*?)```", PAGE, re.S) if not language]
    lines = [line.split("#")[0] for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"farview {verb}")]


def test_its_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips").mkdir()
    for path in ("clip.mp4", "clips/a.mp4"):
        write_video(tmp_path / path, moving_picture(10, 48, 64))
    model_file(tmp_path / "model.safetensors", SensorModel())
    done = 0
    with HttpCamera(hr_frames(20), 20.0) as http, RtspCamera(hr_frames(20), 20) as rtsp:
        for words in [*shown("record"), *shown("render")]:
            if words[1] == "0":
                continue  # no camera here
            live = {"rtsp": rtsp.address, "http": http.address}.get(words[1].split(":")[0])
            if live:
                out = Path(f"{words[1].split(':')[0]}.mkv")
                words = ["record", live, str(out), "--seconds", "0.5"]
            main(words)
            out = Path(words[2])
            assert out.exists(), words
            done += 1
    assert done == 6


def test_its_python(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", moving_picture(10, 48, 64))
    main(["record", str(tmp_path / "clip.mp4"), str(tmp_path / "clip.mkv"), "--quiet"])
    code = re.search(r"```python\n(.*?)```", PAGE, re.S)
    assert code is not None
    check = "assert frames.shape == (10, 12, 16, 3) and seconds.shape == (10,), frames.shape"
    subprocess.run([sys.executable, "-c", code[1] + check], cwd=tmp_path, check=True)
