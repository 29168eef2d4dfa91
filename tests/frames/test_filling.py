"""A folder that fills: what counts as a frame, and how often."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.frames import filling
from farview.frames.filling import FillingFolder
from farview.frames.sensor import SensorModel


def png(level: int, height: int = 48, width: int = 64) -> bytes:
    return cv2.imencode(".png", np.full((height, width, 3), level, np.uint8))[1].tobytes()


class Looks:
    """The reader's clock: `between` runs while it sleeps, so that what it finds is not left to chance."""

    def __init__(self, between: list[Callable[[], object]]) -> None:
        self.between = iter(between)

    def sleep(self, seconds: float) -> None:
        next(self.between, lambda: pytest.fail("no frame came"))()

    def monotonic(self) -> float:
        return 0.0


def levels(
    folder: FillingFolder, monkeypatch: pytest.MonkeyPatch, *between: Callable[[], object]
) -> Iterator[int]:
    """Brightness of the frames as they come; each of `between` happens between two looks."""
    monkeypatch.setattr(filling, "time", Looks(list(between)))
    return (int(image[0, 0, 0]) for _, image in folder.frames())


def nothing() -> None:
    pass


def test_a_slow_writer_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file for a while, then half an image for a while, then all of it."""
    said: list[str] = []
    file, whole = tmp_path / "a.png", png(7)
    steps = [
        *(lambda: file.write_bytes(b""), nothing, nothing),
        *(lambda: file.write_bytes(whole[:99]), nothing, nothing),
        *(lambda: file.write_bytes(whole), nothing),
    ]
    assert next(levels(FillingFolder(tmp_path, said.append), monkeypatch, *steps)) == 7
    assert len(said) == 1 and said[0].startswith(f"{file}: the image is truncated")


def test_an_image_that_is_written_anew_is_another_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "snapshot.png"
    file.write_bytes(png(1))
    said: list[str] = []
    steps = [nothing, lambda: file.write_bytes(png(20)), nothing, lambda: file.write_bytes(png(3)), nothing]
    frames = levels(FillingFolder(tmp_path, said.append), monkeypatch, *steps)
    assert [next(frames), next(frames)] == [20, 3]
    assert said == [f"{tmp_path}: 1 images are there already; frames are those that come"]


def test_an_image_that_is_too_small_is_passed_over_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    folder = FillingFolder(tmp_path, said.append, SensorModel(12, 16).refuse)
    steps = [
        lambda: (tmp_path / "1.png").write_bytes(png(1, 8, 8)),
        lambda: (tmp_path / "2.png").write_bytes(png(2)),
        nothing,
        nothing,
    ]
    assert next(levels(folder, monkeypatch, *steps)) == 2
    assert len(said) == 1 and said[0].startswith(f"{tmp_path / '1.png'}: a frame of 8x8 ")


def test_nothing_is_remembered_of_files_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Callable[[], object]] = []
    for n in range(30):
        file = tmp_path / f"{n}.png"
        steps += [
            lambda file=file: file.write_bytes(b"no image"),
            *([nothing] if n % 2 else []),  # some are looked at once, some are read
            lambda file=file: file.unlink(),
        ]
    steps += [lambda: (tmp_path / "a.png").write_bytes(png(5)), nothing]
    frames = FillingFolder(tmp_path, [].append).frames()
    monkeypatch.setattr(filling, "time", Looks(steps))
    next(frames)
    remembered = frames.gi_frame.f_locals
    assert all(set(remembered[name]) <= {"a.png"} for name in ("found", "done", "told"))


def test_new_images_come_in_natural_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill() -> None:
        for n in (10, 9, 100):
            (tmp_path / f"img{n}.png").write_bytes(png(n))
        (tmp_path / ".hidden.png").write_bytes(png(0))
        (tmp_path / "text.txt").write_bytes(png(0))

    frames = levels(FillingFolder(tmp_path, print), monkeypatch, fill, nothing)
    assert [next(frames) for _ in range(3)] == [9, 10, 100]


def test_a_folder_that_fills_in_earnest(tmp_path: Path) -> None:
    """By the real clock."""
    frames = FillingFolder(tmp_path, print).frames()
    timer = threading.Timer(0.3, lambda: (tmp_path / "a.png").write_bytes(png(9)))
    timer.start()
    assert next(frames)[1][0, 0, 0] == 9
    timer.join()
