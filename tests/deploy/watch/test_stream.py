"""`farview evaluate --stream`: streams whose figures can be worked by hand, and real clips joined."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from farview.cli import main
from farview.deploy.watch.stream import actions_of
from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.frames.open import source_of
from farview.frames.source import Images
from farview.models.model_file import read_contract
from tests.deploy.watch.models import SENSOR, save


class Brightness:
    """An engine that says `wave` where most intervals of a window are bright."""

    def __init__(self, path: str) -> None:
        self.contract = read_contract(path)

    def features(self, frames: Images) -> NDArray[np.float32]:
        return (frames.mean((1, 2, 3, 4), keepdims=False)[:, None] > 100).astype(np.float32)

    def decide(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        wave = np.where(features.mean((1, 2)) > 0.5, 0.9, 0.1)
        return np.stack([wave, 1 - wave], 1)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("farview.deploy.watch.setup.open_model", Brightness)
    return str(save(tmp_path / "model.safetensors", classes=("wave", "background")))


def stream(path: Path, seconds: int, bright: list[tuple[int, int]]) -> None:
    """Ten dark frames a second, bright in the given seconds."""
    frames = np.zeros((10 * seconds, 6, 8, 3), np.uint8)
    for start, end in bright:
        frames[10 * start : 10 * end] = 200
    np.save(path, frames)


def test_misses_delay_and_false_alarms(model: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """A window has intervals 0.5, 1.5 and 2.5 s after its start and is answered 3 s after it: of what is bright from
    20 to 26 s, two are first seen by the window from 19 on, answered at 22. The last one starts at 56 of 60 seconds."""
    stream(tmp_path / "a.npy", 60, [(20, 26), (40, 43)])
    stream(tmp_path / "b.npy", 60, [])
    (tmp_path / "spans.csv").write_text(
        "path,start,end,label\na.npy,20,26,wave\na.npy,50,51,wave\na.npy,52,60,background\nb.npy,,,\n"
    )
    words = [model, "--stream", str(tmp_path / "spans.csv"), "--rate", "10", "--hop", "1"]
    main(["evaluate", *words, "--json"])
    made = json.loads(capsys.readouterr().out)
    assert made["recordings"] == 2 and made["hours"] == pytest.approx(2 * 59 / 3600)
    assert made["tolerance"] == pytest.approx(3.1)
    assert made["overall"] == made["per_label"]["wave"]
    assert made["overall"] == {
        "spans": 2,
        "missed": 1,
        "delay": pytest.approx(2.0),
        "delay_worst": pytest.approx(2.0),
        "false": 1,
        "false_per_hour": pytest.approx(3600 / 118),
    }
    main(["evaluate", *words])
    assert "30.5" in capsys.readouterr().out
    main(["evaluate", *words, "--json", "--threshold", "0.95"])  # nothing is sure
    unsure = json.loads(capsys.readouterr().out)["overall"]
    assert (unsure["missed"], unsure["false"], unsure["delay"]) == (2, 0, None)


def test_tables_that_cannot_be_used(tmp_path: Path) -> None:
    table = tmp_path / "s.csv"
    for text, expected in (
        ("a.npy,1,1,wave", "line 2: from '1' to '1'"),
        ("a.npy,x,2,wave", "line 2: from 'x'"),
        ("a.npy,1,2,wvae", r"line 2: class 'wvae' is unknown .*did you mean 'wave'"),
        (",1,2,wave", "line 2: no path"),
        ("", "names no recordings"),
    ):
        table.write_text(f"path,start,end,label\n{text}\n")
        with pytest.raises(FarviewError, match=expected):
            actions_of(table, ("wave",))


def test_real_clips_joined(tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture) -> None:
    """One stream of eLR frames of real fights between ordinary scenes goes through the real network."""
    clips, spans, moment = [], [], 0
    for name in ("normal/*", "fight/*", "normal/*"):
        path = sorted((data_root / "fights").glob(name))[0]
        with source_of(path).open() as opened:
            frames = np.stack([SENSOR.degrade(image[None], [n])[0] for n, image in enumerate(opened)])
        if name.startswith("fight"):
            spans.append((moment / 25, (moment + len(frames)) / 25))
        clips.append(frames)
        moment += len(frames)
    np.save(tmp_path / "stream.npy", np.concatenate(clips))
    ((start, end),) = spans
    (tmp_path / "spans.csv").write_text(f"path,start,end,label\nstream.npy,{start},{end},fight\n")
    real = save(tmp_path / "real.safetensors", "resnet18", Intervals(2, 2, 1), ("fight", "background"))
    main(["evaluate", str(real), "--stream", str(tmp_path / "spans.csv"), "--hop", "0.2", "--json"])
    made = json.loads(capsys.readouterr().out)
    assert made["overall"]["spans"] == 1 and 0 < made["hours"] <= moment / 25 / 3600
