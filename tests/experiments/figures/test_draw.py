"""The verb `farview figures`: which files come out, what they say of themselves, what is refused."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.cli import main
from farview.errors import FarviewError, UnreadableClip
from farview.experiments.figures.draw import figures
from farview.experiments.figures.sheet import HEIGHT, WIDTH
from farview.models.model_file import load_model, save_model
from tests.experiments.figures.conftest import Drawn

ALL = (3, 6, 7, 9, 10)


@pytest.mark.parametrize("number", ALL)
def test_png_and_pdf_are_one_page_of_the_same_size(drawn: Drawn, number: int) -> None:
    content = (drawn.out / f"fig{number}.pdf").read_bytes()
    assert content.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b", content)) == 1
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", content)
    assert box is not None
    width, height = float(box[1]) / 72, float(box[2]) / 72
    assert 3 < width <= WIDTH + 1e-6 and 1 < height <= HEIGHT + 0.5
    picture = cv2.imread(str(drawn.out / f"fig{number}.png"))
    assert picture is not None and picture.std() > 10
    assert picture.shape[:2] == pytest.approx((60 * height, 60 * width), abs=1)
    assert b"/FontFile2" in content and b"/Type3" not in content  # TrueType, embedded: text stays text


def test_captions_are_those_of_the_facts(drawn: Drawn) -> None:
    assert list(drawn.facts) == [str(number) for number in ALL]
    text = (drawn.out / "captions.md").read_text()
    paragraphs = text.strip().split("\n\n")
    for number, paragraph in zip(ALL, paragraphs, strict=True):
        facts = drawn.facts[str(number)]
        assert paragraph == f"**Fig. {number}.** {facts['caption']} {facts['chosen']}"
        for phase, model in facts["models"].items():
            _, contract = load_model(drawn.run / model["file"])
            assert contract.trained["phase"] == phase
            assert model["test_prec1"] == contract.accuracy["test"]["prec1"]


def test_the_same_networks_give_the_same_bytes(drawn: Drawn, tmp_path: Path) -> None:
    figures(drawn.run, tmp_path, only=(3, 10), dpi=60, quiet=True)
    for name in ("fig3.png", "fig3.pdf", "fig10.png", "fig10.pdf"):
        assert (tmp_path / name).read_bytes() == (drawn.out / name).read_bytes()


def test_what_other_figures_say_stays(drawn: Drawn, tmp_path: Path) -> None:
    shutil.copy(drawn.out / "figures.json", tmp_path)
    made = figures(drawn.run, tmp_path, only=(6,), formats=("png",), dpi=30, quiet=True)
    assert made == [tmp_path / "fig6.png"] and not list(tmp_path.glob("*.pdf"))
    assert json.loads((tmp_path / "figures.json").read_text()) == drawn.facts
    assert (tmp_path / "captions.md").read_text() == (drawn.out / "captions.md").read_text()
    (tmp_path / "figures.json").write_text("{")
    figures(drawn.run, tmp_path, only=(6,), formats=("png",), dpi=30, quiet=True)
    assert list(json.loads((tmp_path / "figures.json").read_text())) == ["6"]


@pytest.fixture
def without_cstat(drawn: Drawn, tmp_path: Path) -> Path:
    shutil.copytree(drawn.run, tmp_path / "run", ignore=shutil.ignore_patterns("cstat*"))
    return tmp_path / "run"


def test_a_missing_network_is_named(
    without_cstat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (9, 10):
        with pytest.raises(FarviewError, match=rf"Fig\. {number} needs CSTAT; .*--only 3") as caught:
            figures(without_cstat, tmp_path / "out", only=(3, number))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    made = figures(without_cstat, tmp_path / "out", formats=("png",), dpi=30)
    assert [path.name for path in made] == ["fig3.png", "fig6.png", "fig7.png"]
    said = capsys.readouterr().out
    assert "left out: Fig. 9 needs CSTAT\n" in said and "left out: Fig. 10 needs CSTAT\n" in said
    facts = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert list(facts["3"]["stages"]) == ["teacher", "student"]
    assert "trained without any of them" in facts["7"]["caption"]


def test_too_few_clips_leave_fig_10_out(
    drawn: Drawn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = dict(formats=("png",), dpi=30, part="val")
    made = figures(drawn.run, tmp_path, **options)  # type: ignore[arg-type]
    assert [path.name for path in made] == ["fig3.png", "fig6.png", "fig7.png", "fig9.png"]
    assert "left out: Fig. 10 needs 8 validation clips or more" in capsys.readouterr().out
    with pytest.raises(FarviewError, match=r"run: Fig\. 10 needs 8 .*; leave it out by --only"):
        figures(drawn.run, tmp_path, only=(10,), **options)  # type: ignore[arg-type]


def test_named_clips_do_without_the_data(drawn: Drawn, tmp_path: Path) -> None:
    shutil.copytree(drawn.run, tmp_path / "run")
    model = tmp_path / "run" / "cstat.safetensors"
    network, contract = load_model(model)
    data = contract.trained["data"] | {"source": "folder:/gone"}
    save_model(model, network, replace(contract, trained=contract.trained | {"data": data}))
    options = dict(formats=("png",), dpi=30, quiet=True)
    clip = drawn.subject.data.clips[0].source.name
    made = figures(tmp_path / "run", tmp_path, [clip], **options)  # type: ignore[arg-type]
    assert [path.name for path in made] == ["fig3.png", "fig6.png", "fig7.png", "fig9.png"]
    with pytest.raises(FarviewError, match="/gone"):
        figures(tmp_path / "run", tmp_path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["teacher", "student", "cstat"])
def test_a_model_alone_gives_fig_3(drawn: Drawn, name: str, tmp_path: Path) -> None:
    model = drawn.run / f"{name}.safetensors"
    made = figures(model, tmp_path, formats=("png",), dpi=30, quiet=True)
    assert made == [tmp_path / "fig3.png"]
    (stages,) = json.loads((tmp_path / "figures.json").read_text())["3"]["stages"].values()
    assert stages == [[12, 16], [6, 8], [3, 4], [2, 2]]
    with pytest.raises(FarviewError, match=r"Fig\. 6 needs .*; name the folder of a run"):
        figures(model, tmp_path, only=(6,))


def test_clips_by_path_and_by_id(drawn: Drawn, tmp_path: Path) -> None:
    first, second = drawn.subject.data.clips[0], drawn.subject.data.clips[-1]
    options = dict(only=(3, 6), formats=("png",), dpi=30, quiet=True)
    figures(drawn.run, tmp_path, clips=[first.source.name, second.id], **options)  # type: ignore[arg-type]
    facts = json.loads((tmp_path / "figures.json").read_text())
    shown = [(clip["clip"], clip["class"]) for clip in facts["6"]["clips"]]
    assert shown == [(first.source.name, None), (second.id, "right")]
    assert facts["6"]["chosen"] == "Clips chosen by name."
    (verdict, _) = facts["3"]["predictions"].values()
    assert verdict["right"] is None  # whose class nobody told
    with pytest.raises(
        FarviewError, match=r"--clips: 'right/clip0' is neither a file nor .*did you mean 'right/clip"
    ):
        figures(drawn.run, tmp_path, clips=["right/clip0"], **options)  # type: ignore[arg-type]


def test_an_unreadable_clip_is_named(drawn: Drawn, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadableClip, match=r"broken\.mp4"):
        figures(drawn.run, tmp_path, clips=[str(tmp_path / "broken.mp4")], quiet=True)
    np.save(tmp_path / "small.npy", np.zeros((9, 6, 8, 3), np.uint8))
    with pytest.raises(FarviewError, match=r"small\.npy: is eLR already"):
        figures(drawn.run, tmp_path, clips=[str(tmp_path / "small.npy")], quiet=True)


def test_an_elr_recording_has_no_hr_row(drawn: Drawn, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.random.default_rng(0).integers(0, 255, (9, 6, 8, 3), np.uint8))
    options = dict(formats=("png",), dpi=30, quiet=True)
    model, small = drawn.run / "cstat.safetensors", str(tmp_path / "small.npy")
    figures(model, tmp_path / "small", clips=[small], **options)  # type: ignore[arg-type]
    figures(model, tmp_path / "large", **options)  # type: ignore[arg-type]
    captions = [(tmp_path / size / "captions.md").read_text() for size in ("small", "large")]
    assert ["HR" in caption for caption in captions] == [False, True]
    heights = [cv2.imread(str(tmp_path / size / "fig3.png")).shape[0] for size in ("small", "large")]  # type: ignore[union-attr]
    assert heights[0] < heights[1]


def test_what_cannot_be_is_said(drawn: Drawn, tmp_path: Path) -> None:
    with pytest.raises(FarviewError, match="holds no run"):
        figures(tmp_path)
    with pytest.raises(FarviewError, match="no such model"):
        figures(tmp_path / "gone.safetensors")
    with pytest.raises(FarviewError, match=r"--dpi: 0; expected"):
        figures(drawn.run, dpi=0)
    shutil.copy(drawn.run / "recipe.yaml", tmp_path)
    with pytest.raises(FarviewError, match="holds no model yet; finish the run by: farview train"):
        figures(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(["figures", str(drawn.run), "--only", "4"])


def test_the_verb(drawn: Drawn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(
        ["figures", str(drawn.run), "--only", "3", "--formats", "png", "--dpi", "30", "--out", str(tmp_path)]
    )
    assert capsys.readouterr().out.split() == [str(tmp_path / "fig3.png")]
