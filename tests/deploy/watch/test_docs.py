"""The commands that docs/watch.md shows, run: files as they are, cameras by stand-ins, ended by Ctrl-C."""

import os
import re
import shlex
import signal
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.cli import main
from farview.deploy.watch.setup import Report
from tests.deploy.cameras import HttpCamera
from tests.deploy.rtsp import RtspCamera
from tests.deploy.test_record import hr_frames
from tests.deploy.watch.models import elr_frames, save
from tests.deploy.watch.test_actions import server
from tests.frames.videos import moving_picture, write_video

PAGE = (Path(__file__).parents[3] / "docs" / "watch.md").read_text(encoding="utf-8")


def blocks() -> list[list[str]]:
    return [block.splitlines() for block in re.findall(r"```\n(.*?)```", PAGE, re.S)]


def shown() -> list[list[str]]:
    lines = [line.split(" #")[0] for block in blocks() for line in block if line.startswith("farview ")]
    return [shlex.split(line)[1:] for line in lines]


def test_its_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    answered = threading.Event()
    for name in ("to_line", "to_dict"):
        monkeypatch.setattr(Report, name, noted(getattr(Report, name), answered))
    names = ("fall", "walk")
    facts = {"pace": {"rate": 20.0, "frames": 9}}
    save(tmp_path / "model.safetensors", classes=names, **facts)
    (tmp_path / "incoming").mkdir()
    for label in names:
        for number in range(4):
            clip = tmp_path / "mine" / label / f"{number}.npy"
            clip.parent.mkdir(parents=True, exist_ok=True)
            np.save(clip, elr_frames(12, number))
    for file in ("clip.mp4", "monday.mp4", "tuesday.mp4"):
        write_video(tmp_path / file, moving_picture(40, 48, 64))
    for name in ("clip", "monday", "tuesday"):
        main(["record", f"{name}.mp4", f"{name}.mkv", "--height", "6", "--width", "8", "--quiet"])
    (table,) = (block for block in blocks() if block[0].startswith("path,"))
    (tmp_path / "spans.csv").write_text("\n".join(table))
    (listed,) = (block for block in blocks() if block[0].startswith("# name"))
    done = 0
    with HttpCamera(hr_frames(20), 20.0) as http, RtspCamera(hr_frames(20), 20) as rtsp, server([]) as hook:
        live = {"rtsp": rtsp.address, "http": http.address}
        text = "\n".join(listed).replace("rtsp://user:password@10.0.0.7/stream", rtsp.address)
        (tmp_path / "cameras.txt").write_text(text)
        for words in shown():
            if words[2] == "0":
                continue  # no camera here
            words = [live.get(word.split(":")[0], word) if n == 2 else word for n, word in enumerate(words)]
            words = [hook if word.startswith("http://127.0.0.1:8080") else word for word in words]
            words = ["true" if word.startswith("logger") else word for word in words]
            words = [word.replace("0.95", "0.1") for word in words]  # of an untrained model
            words += ["--workers", "1"] if "--part" in words else []
            answered.clear()
            endless = words[2] in ("incoming", "--sources", *live.values())
            over = threading.Event()
            if endless:
                threading.Thread(target=end, args=(answered, over), daemon=True).start()
            main(words)
            over.set()
            assert answered.is_set() or words[0] == "evaluate", words
            done += 1
    assert done == 12
    assert (tmp_path / "held-out" / "predictions.csv").exists()


def noted(method: object, answered: threading.Event) -> object:
    def call(self: Report) -> object:
        answered.set()
        return method(self)  # type: ignore[operator]

    return call


def end(answered: threading.Event, over: threading.Event) -> None:
    """Ctrl-C once there was an answer; images come into the folder meanwhile."""
    number = 0
    while not answered.wait(0.05):
        cv2.imwrite(f"incoming/{number:05d}.png", elr_frames(1, number)[0])
        number += 1
    time.sleep(0.2)
    if not over.is_set():
        os.kill(os.getpid(), signal.SIGINT)
