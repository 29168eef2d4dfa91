"""The flow stream of a recipe: T-Net, S-Net and CSTAT on motion, tested, predicted and explained like those on RGB."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.data.config import DataConfig
from farview.errors import FarviewError
from farview.experiments.evaluate import evaluate
from farview.experiments.explain import explain, model_rows, teacher_rows
from farview.experiments.pictures import flow_colours
from farview.experiments.report import write_report
from farview.frames.flow import FlowConfig
from farview.models.contract import Contract, read_contract
from farview.models.recogniser import Recogniser
from farview.training.phases import Run, phase_digests, run
from farview.training.recipe import read_recipe
from tests.training.tiny import tiny_recipe


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    keys = (
        "--input.stream=flow",
        "--input.intervals.frames=2",
        "--augment.flip=true",
        "--augment.gain=0.3",
        *(f"--{phase}.epochs=1" for phase in ("teacher", "student", "transfer")),
    )
    return run(tiny_recipe(tmp_path_factory.mktemp("flow"), *keys), quiet=True)


def test_models_of_flow_say_so(finished: Run) -> None:
    for path in finished.models.values():
        contract = read_contract(path)
        assert (contract.channels, contract.flow) == (2, FlowConfig())
        assert contract.mean == (128 / 255,) * 2  # no motion is 0
        assert Contract.from_json(contract.to_json()) == contract
    history = (finished.folders["transfer"] / "history.csv").read_text()
    assert "train/sat1" in history and "train/tat2" in history


def test_prediction_and_evaluation_see_what_testing_saw(finished: Run, tmp_path: Path) -> None:
    for phase, path in finished.models.items():
        with (finished.folders[phase] / "test-predictions.csv").open(newline="") as file:
            tested = {row["clip"]: float(row["left"]) for row in csv.DictReader(file)}
        network = Recogniser(path)
        for clip in finished.clips.test:
            made = network.recognise(clip.source)
            assert made.probabilities[0] == pytest.approx(tested[clip.id], abs=2e-5)
            assert made.seen.shape[-1] == 2 and made.frames.shape[-1] == 3
        again = evaluate(
            path, DataConfig(finished.recipe.data.source), store=tmp_path / "another", workers=1, quiet=True
        )
        assert again.accuracy.prec1 == read_contract(path).accuracy["test"]["prec1"]


def test_a_picture_shows_the_flow(finished: Run, tmp_path: Path) -> None:
    video = Path(finished.clips.test[0].source.name)
    student, teacher = Recogniser(finished.models["transfer"]), Recogniser(finished.models["teacher"])
    made = student.recognise(video)
    row = model_rows(student, made)[1]
    assert row.label.startswith("6×8 flow: hue")
    assert row.pictures is not None and row.pictures.shape[-1] == 3
    shown = flow_colours(made.seen[:, 1])
    assert {tuple(c) for c in row.pictures.reshape(-1, 3)} == {tuple(c) for c in shown.reshape(-1, 3)}
    assert model_rows(teacher, teacher.recognise(video))[1].label.startswith("24×32 flow: hue")
    rows = teacher_rows(student, made, teacher, video)
    shown = flow_colours(teacher.recognise(video).seen[:, 1])
    assert rows[0].pictures is not None
    assert {tuple(c) for c in rows[0].pictures.reshape(-1, 3)} == {tuple(c) for c in shown.reshape(-1, 3)}
    labels = [row.label for row in rows]
    assert labels[0] == "24×32 flow: what T-Net sees"
    assert len(labels) >= 4 and any(label.endswith("levels of flow or more") for label in labels)
    for name in ("a.png", "a.mp4"):
        assert explain(finished.models["transfer"], video, tmp_path / name).stat().st_size > 1000
    write_report(finished, tmp_path / "report", title="flow")


def test_colours_are_those_of_the_wheel() -> None:
    levels = np.full((1, 1, 5, 2), 128, np.uint8)
    for i, (x, y) in enumerate([(127, 0), (0, 127), (-127, 0), (0, -127)]):
        levels[0, 0, i] = 128 + x, 128 + y
    right, down, left, up, still = flow_colours(levels)[0, 0].tolist()
    assert right == [255, 0, 0] and left == [0, 255, 255] and still == [0, 0, 0]
    hues = [cv2.cvtColor(np.uint8([[c]]), cv2.COLOR_RGB2HSV)[0, 0, 0] for c in (right, down, left, up)]
    assert hues == [0, 45, 90, 135]
    slow = flow_colours(np.uint8([[[[128 + 32, 128]]]]))[0, 0, 0]
    assert slow.tolist() == [round(255 * (32 / 127) ** 0.5), 0, 0]


def test_what_flow_changes_in_the_digests(finished: Run) -> None:
    def digests(*keys: str) -> dict:
        return phase_digests(tiny_recipe(Path(finished.recipe.out).parent, *keys), finished.clips)

    rgb = digests()
    assert digests("--input.flow.kind=tvl1", "--input.flow.bound=5") == rgb  # not in use
    flow, other = digests("--input.stream=flow"), digests("--input.stream=flow", "--input.flow.kind=tvl1")
    for phase in rgb:
        assert len({rgb[phase], flow[phase], other[phase]}) == 3


@pytest.mark.parametrize("key", ["fresh_noise", "fresh_elr"])
def test_what_is_fresh_needs_frames(key: str) -> None:
    with pytest.raises(FarviewError, match=rf"augment\.{key}"):
        read_recipe(None, ["--data.source=mime", "--input.stream=flow", f"--augment.{key}=true"])


def test_all_frames_may_be_one_interval(tmp_path: Path) -> None:
    """The other reading of Table V's 32 frames: temporal attention has nothing to weigh, and nothing breaks."""
    keys = ("--input.stream=flow", "--input.intervals={count: 1, frames: 4}", "--network.differences=true")
    epochs = (f"--{phase}.epochs=1" for phase in ("teacher", "student", "transfer"))
    done = run(tiny_recipe(tmp_path, *keys, *epochs), quiet=True)
    made = Recogniser(done.models["transfer"]).recognise(done.clips.test[0].source)
    assert made.output.attention.tolist() == [[1.0]] and np.isfinite(made.probabilities).all()
