"""The commands and the Python that docs/serve.md shows, run; the one of replicas in test_ray.py."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from farview.deploy.export import export
from farview.deploy.serve.tls import self_signed
from tests.deploy.serve.clients import eleven_frames, small_model
from tests.deploy.serve.server import serving
from tests.frames.videos import moving_picture, write_video

PAGE = (Path(__file__).parents[3] / "docs" / "serve.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def test_its_commands_and_its_python(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    clip = write_video(tmp_path / "clip.mp4", moving_picture(10, 48, 64))
    exported, _ = export(model, "onnx", tmp_path / "model.onnx.zip", check=[str(clip)], quiet=True)
    eleven_frames(count=24).tofile(tmp_path / "frames.raw")
    certificate, key, _ = self_signed(tmp_path, "127.0.0.1")
    lines = [line.split("#")[0] for line in PAGE.splitlines() if line.startswith("farview serve model")]
    there = {"cert.pem": certificate, "key.pem": key, "model.safetensors": model, "model.onnx.zip": exported}
    ordinary, *others, _ = [[str(there.get(word, word)) for word in shlex.split(line)[2:]] for line in lines]
    assert [words[1:2] for words in [ordinary, *others]] == [[], [], ["--host"], ["--tls"]]
    with serving(*ordinary) as server:
        for command in re.findall(r"```sh\n(.*?)```", PAGE, re.S):
            command = command.replace(ADDRESS, server.bare).replace("curl", "curl -s")
            said = subprocess.run(command, shell=True, cwd=tmp_path, check=True, capture_output=True).stdout
            assert json.loads(said)["label"] in ("walk", "fall"), said
        code = re.search(r"```python\n(.*?)```", PAGE, re.S)
        assert code is not None
        code_here = code[1].replace(ADDRESS.removeprefix("http"), server.bare.removeprefix("http"))
        assert server.bare.removeprefix("http") in code_here
        said = subprocess.run(
            [sys.executable, "-c", code_here], cwd=tmp_path, check=True, capture_output=True
        ).stdout
        assert said.split()[0] in (b"walk", b"fall")
    for words in others:
        with serving(*words) as server:
            assert server.bare.startswith("https://") is (len(words) > 1)
