"""The page of a finished run: whole, self-contained, and telling the same as `results.json`."""

import base64
import html
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from farview.experiments.examples import chosen_clips
from farview.experiments.report import write_report
from farview.training.phases import Run, run
from farview.transfer.config import TransferConfig

SECTIONS = [
    "Accuracy",
    "The clips at high resolution and at 6×8",
    "Where and when they look",
    "Attention, stage by stage",
    "What down-sampling lost, and where T-Net is trusted",
    "What is taken for what",
    "Features before and after the transfer",
    "Training",
    "Time and cost",
    "Recipe",
]
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags are closed as they were opened; headings, pictures and addresses are kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.titles: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.charts = 0
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.addresses += [v for k, v in attributes if k in ("src", "href", "xlink:href", "srcset") and v]
        self.charts += tag == "svg"
        if tag == "img":
            self.images.append(values)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def written(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    returned = write_report(finished, out, title="Bars & <others>")
    assert returned == json.loads((out / "results.json").read_text())
    return out


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page((written / "report.html").read_text(encoding="utf-8"))


def test_every_section_is_there(page: Page) -> None:
    assert page.titles == SECTIONS
    assert "Left out" not in page.text
    assert "Bars & <others>" in page.text


def test_nothing_is_fetched_from_elsewhere(page: Page, written: Path) -> None:
    text = (written / "report.html").read_text(encoding="utf-8")
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert not re.search(r"url\((?!#)|@import|<script|<link", text)
    assert {path.name for path in written.iterdir()} == {"report.html", "results.json"}
    assert len(text) < 6_000_000


def test_every_picture_decodes_and_is_described(page: Page) -> None:
    assert page.charts == 1 + 3 + 1 + 2  # accuracy, confusion, t-SNE, training
    sizes = []
    for image in page.images:
        assert image["alt"]
        head, _, content = (image["src"] or "").partition(",")
        with Pillow.open(io.BytesIO(base64.b64decode(content))) as picture:
            picture.load()
            assert head == f"data:image/{str(picture.format).lower()};base64"
            sizes.append(picture.size)
    assert sizes.count((8, 6)) == 2  # animations at eLR, one for each class
    # per example 5 rows; stages 2 x 4; evidence 2 x 6
    assert len(page.images) == 4 + 2 * 5 + 8 + 12


def test_page_and_results_agree(page: Page, written: Path) -> None:
    results = json.loads((written / "results.json").read_text())
    text = re.sub(r"\s+", " ", page.text)
    for name in ("teacher", "student", "cstat"):
        network = results[name]
        low, high = network["ci95"]
        assert f"{network['prec1']:.1f} %" in text
        assert f"{low:.1f} to {high:.1f}" in text
        assert f"{network['parameters'] / 1e6:.2f} M" in text
    low, high = results["difference"]["ci95"]
    assert f"{low:+.1f} to {high:+.1f}".replace("-", "−") in text
    assert ("HR-eLR gap closed" in text) == (results["gap_closed"] is not None)
    if results["gap_closed"] is not None:
        assert f"{results['gap_closed']:.0f} %" in text
    assert f"{results['clips']['test']} to test" in text
    assert results["notes"] and all(note in text for note in results["notes"])


def test_attention_of_the_networks_differs(page: Page) -> None:
    rows = {
        str(image["alt"]).split(",")[0]: image["src"] for image in page.images if "left" in str(image["alt"])
    }
    assert {"recorded", "6×8", "T-Net", "S-Net", "CSTAT"} <= rows.keys()
    assert len({rows[name] for name in ("recorded", "T-Net", "S-Net", "CSTAT")}) == 4


def test_a_run_of_one_phase_says_what_is_left_out(finished: Run, tmp_path: Path) -> None:
    alone = replace(
        finished,
        recipe=replace(finished.recipe, phases=("student",)),
        models={"student": finished.models["student"]},
        folders={"student": finished.folders["student"]},
    )
    results = write_report(alone, tmp_path, "S-Net alone")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.titles == SECTIONS
    assert results["teacher"] is None and results["gap_closed"] is None
    assert "T-Net, CSTAT; not trained in this run" in page.text
    assert "it takes a T-Net and an S-Net" in page.text


def test_a_run_without_attention_terms_has_a_page(finished: Run, tmp_path: Path) -> None:
    """S-Net goes on with its labels: nothing to chart of the transfer's terms, and no extractor to draw with."""
    loss = TransferConfig(ce=1, sat=0, tat=0)
    longer = run(replace(finished.recipe, loss=loss, out=str(tmp_path / "run")), quiet=True)
    results = write_report(longer, tmp_path, "S-Net, as long")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.titles == SECTIONS and results["cstat"]["prec1"] is not None
    assert "sat, tat: spatial and temporal attention" not in page.text


def test_a_run_without_test_clips_has_a_page(finished: Run, tmp_path: Path) -> None:
    """Models measured on no test clips, too."""
    from farview.models.model_file import load_model, save_model

    models = {}
    for phase, path in finished.models.items():
        network, contract = load_model(path)
        models[phase] = tmp_path / path.name
        save_model(models[phase], network, replace(contract, accuracy={}))
    untested = replace(finished, clips=replace(finished.clips, test=()), models=models)
    results = write_report(untested, tmp_path / "out", "untested")
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert page.titles == SECTIONS and results["cstat"]["prec1"] is None and results["difference"] is None
    assert page.text.count("this run has no test clips") == 6
    assert page.charts == 2  # training curves remain


def test_examples_follow_the_rule(finished: Run) -> None:
    chosen = chosen_clips(finished, 4)
    test = finished.clips.test
    for label, clip in enumerate(chosen):
        own = [c for c in test if c.label == label]
        assert clip == own[label % len(own)]
    assert len(chosen) == 2
    assert [clip.label for clip in chosen_clips(finished, 1)] == [0]


def test_names_are_escaped(finished: Run, tmp_path: Path) -> None:
    data = replace(finished.clips.data, classes=("<left>", "right & more"))
    named = replace(finished, clips=replace(finished.clips, data=data))
    from farview.experiments.examples import samples

    text = samples(named)
    assert "<left>" not in text and html.escape("<left>") in text and "right &amp; more" in text
    assert np.all([c.label is not None for c in named.clips.test])
