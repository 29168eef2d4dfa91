"""What `farview explain` draws of one recording."""

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from farview.errors import FarviewError
from farview.experiments.explain import explain, model_rows, teacher_rows
from farview.experiments.film import running_maps
from farview.experiments.panel import panel
from farview.experiments.pictures import Row
from farview.frames.intervals import Intervals
from farview.models.model_file import load_model, save_model
from farview.models.recogniser import Recogniser
from farview.models.sight import described
from farview.training.phases import Run


@pytest.fixture(scope="module")
def video(finished: Run) -> Path:
    return Path(finished.clips.test[0].source.name)


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None
    return image


def test_picture_of_a_student(finished: Run, video: Path, tmp_path: Path) -> None:
    model = finished.models["transfer"]
    out = explain(model, video, tmp_path / "a.png")
    assert out == tmp_path / "a.png" and read(out).std() > 10
    network = Recogniser(model)
    rows = model_rows(network, network.recognise(video))
    assert [row.label.split(":")[0] for row in rows] == [
        "recorded",
        "6×8",
        "attention",
        "where, as brightness",
    ]
    pictures = [row.pictures for row in rows]
    assert all(p is not None and p.shape == pictures[0].shape for p in pictures)  # type: ignore[union-attr]
    for i in range(4):
        for j in range(i):
            assert not np.array_equal(pictures[i], pictures[j])  # type: ignore[arg-type]
    assert rows[2].weights is not None and len(rows[2].weights) == 3


def test_teacher_adds_its_rows(finished: Run, video: Path, tmp_path: Path) -> None:
    student, teacher = finished.models["transfer"], finished.models["teacher"]
    alone = read(explain(student, video, tmp_path / "a.png"))
    both = read(explain(student, video, tmp_path / "b.png", teacher))
    assert both.shape[1] >= alone.shape[1] and both.shape[0] > 1.5 * alone.shape[0]
    network = Recogniser(student)
    rows = teacher_rows(network, network.recognise(video), Recogniser(teacher), video)
    names = [row.label.split(":")[0] for row in rows]
    assert names == ["attention of T-Net, which sees the recording", "lost", "confidence", "confidence"]


@pytest.mark.parametrize("count", [1, 2, 8])
def test_no_text_is_cut_or_overlaps_another(count: int) -> None:
    """One picture or many: a white margin stays on all sides, and a label ends before its note begins."""
    pictures = np.full((count, 48, 64, 3), 80, np.uint8)
    label, note = "attention: where (blue least, red most) and when (bars)", "a class with a long name 50 %"
    facts = (
        "a recording with a long name.mp4, 50 frames  ·  trained with a map that a model file does not keep"
    )
    drawn = panel([Row(label, pictures, np.ones(count) / count, note)], note, facts, ["frame 1"] * count)
    image = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    ink = image < 200
    assert ink.any() and not (ink[:, :30].any() or ink[:, -30:].any() or ink[:20].any() or ink[-20:].any())
    top = np.flatnonzero((image == 80).sum(1) > 100)[0]  # of the pictures; above them label and note
    written = np.flatnonzero(ink[top - 40 : top - 5].any(0))
    assert np.diff(written).max() > 40


def test_default_name_is_in_the_current_folder(
    finished: Run, video: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    out = explain(finished.models["teacher"].resolve(), video.resolve())
    assert out == Path(f"{video.name}.explained.png") and (tmp_path / out).exists()


def test_film_plays_every_frame(finished: Run, video: Path, tmp_path: Path) -> None:
    out = explain(finished.models["transfer"], video, tmp_path / "a.mp4")
    length = len(list(video.glob("*.png")))
    with av.open(str(out)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].average_rate == 15
    assert len(frames) == length
    assert frames[0].shape[0] % 2 == frames[0].shape[1] % 2 == 0
    assert np.abs(frames[0].astype(int) - frames[-1]).max() > 50


def test_each_frame_of_the_film_has_its_own_map(finished: Run, video: Path) -> None:
    network = Recogniser(finished.models["transfer"])
    with described(video).open() as frames:
        maps = running_maps(network, frames)
        assert len(maps) == len(frames)
    made = network.recognise(video)
    for k, (number,) in enumerate(made.indices):  # intervals of one frame: the very same input
        expected = made.output.stages[-1][0, k].abs().mean((0, 1))
        np.testing.assert_allclose(maps[number], expected, rtol=1e-4, atol=1e-6)


def test_elr_recordings_are_shown_as_they_are(finished: Run, video: Path, tmp_path: Path) -> None:
    network = Recogniser(finished.models["transfer"])
    made = network.recognise(video)
    np.save(tmp_path / "small.npy", made.seen.reshape(-1, *made.seen.shape[2:]))
    small = network.recognise(tmp_path / "small.npy")
    rows = model_rows(network, small)
    assert len(rows) == 3 and rows[0].label.startswith("6×8")
    with pytest.raises(FarviewError, match=r"small\.npy: is eLR already"):
        explain(
            finished.models["transfer"],
            tmp_path / "small.npy",
            tmp_path / "a.png",
            finished.models["teacher"],
        )


def test_what_cannot_be_is_said(finished: Run, video: Path, tmp_path: Path) -> None:
    student, teacher = finished.models["transfer"], finished.models["teacher"]
    with pytest.raises(FarviewError, match=r"\.png or \.mp4"):
        explain(student, video, tmp_path / "a.gif")
    with pytest.raises(FarviewError, match="T-Net"):
        explain(student, video, tmp_path / "a.mp4", teacher)
    with pytest.raises(FarviewError, match="MODEL must be an S-Net"):
        explain(teacher, video, tmp_path / "a.png", student)
    network, contract = load_model(teacher)
    save_model(tmp_path / "other.safetensors", network, replace(contract, intervals=Intervals(3, 1, 5)))
    with pytest.raises(FarviewError, match="differ in intervals"):
        explain(student, video, tmp_path / "a.png", tmp_path / "other.safetensors")
    assert not list(tmp_path.glob("a.*"))
