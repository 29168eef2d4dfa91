"""The terminal view: every pixel has its colour, and what is said stands beside it."""

import threading

import numpy as np
import pytest
from rich.console import Console

from farview.deploy.watch.answer import Answer
from farview.deploy.watch.cameras import Watched
from farview.deploy.watch.feed import Feed
from farview.deploy.watch.setup import Report, Settings, set_up
from farview.deploy.watch.view import View, drawn, picture
from tests.deploy.watch.models import elr_frames, save


def cells(image: np.ndarray) -> list[list[tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Colours of each character: above, below."""
    console = Console(color_system="truecolor", force_terminal=True, width=200)
    lines = console.render_lines(picture(image), pad=False)
    made = []
    for line in lines:
        row = []
        for segment in line:
            assert set(segment.text) <= {"▀"}
            if segment.text and segment.style and segment.style.color and segment.style.bgcolor:
                upper, lower = segment.style.color.triplet, segment.style.bgcolor.triplet
                assert upper is not None and lower is not None
                row += [(tuple(upper), tuple(lower))] * len(segment.text)
        made.append(row)
    return [row for row in made if row]


def test_two_pixels_a_character() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 30, 3), np.uint8)  # 30 columns: not enlarged
    rows = cells(image)
    assert len(rows) == 2 and all(len(row) == 30 for row in rows)
    for line, row in enumerate(rows):
        for column, (upper, lower) in enumerate(row):
            assert upper == tuple(image[2 * line, column]) and lower == tuple(image[2 * line + 1, column])


@pytest.mark.parametrize(
    ("shape", "size"),
    [((12, 16, 1), (18, 48)), ((12, 16, 3), (18, 48)), ((3, 48, 3), (2, 48)), ((120, 160, 3), (18, 48))],
)
def test_small_pictures_are_enlarged_and_large_ones_made_small(
    shape: tuple[int, int, int], size: tuple[int, int]
) -> None:
    rows = cells(np.full(shape, 77, np.uint8))
    assert (len(rows), len(rows[0])) == size
    assert {colour for row in rows for cell in row for colour in cell} == {(77, 77, 77)}


def test_a_narrow_terminal_gets_a_narrow_picture() -> None:
    text = picture(np.zeros((12, 16, 3), np.uint8), columns=40).plain
    assert text.splitlines() == ["▀" * 32] * 12


def test_what_is_shown(tmp_path) -> None:  # type: ignore[no-untyped-def]
    setup = set_up(save(tmp_path / "model.safetensors"), Settings(rate=10, hop=0.2))
    feeds = [Feed(name, None, setup.see, 9, threading.Event(), print) for name in ("hall", "yard")]  # type: ignore[arg-type]
    watched = [Watched(feed, setup.channel(feed.name)) for feed in feeds]
    console = Console(width=100, record=True, force_terminal=True, color_system="truecolor")

    def text(*shown: Watched) -> str:
        console.print(drawn(shown, reports))
        return console.export_text()

    reports: dict[str, Report] = {}
    assert "waiting for frames" in text(watched[0])
    watched[0].channel.window.put(0.0, elr_frames(1)[0])
    assert "filling the first window" in text(watched[0])
    answer = Answer("fall", 0.8, True, {"walk": 0.15, "fall": 0.8, "background": 0.05})
    reports["hall"] = Report("hall", 3.0, answer, 0.1, "2026-01-02T03:04:05.000+00:00", 0.07, 2, 1)
    one = text(watched[0])
    assert "03:04:05" in one and "fall 0.80" in one and "age 0.07 s" in one and "load 10 %" in one
    assert one.index("0.80 ████████████████") < one.index("0.15 ███")
    many = text(*watched)
    assert "hall" in many and "yard" in many and "▀" not in many
    with View(console) as view:
        view(reports["hall"])
        view.look(watched[:1])
    assert "fall 0.80" in console.export_text()
