"""A scan decodes everything, names what is broken and survives it."""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from rich.console import Console

from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.scan import Look, look_at_all, print_report, scan
from farview.frames.arrays import ArrayFrames
from farview.frames.sensor import SensorModel
from farview.frames.store import FrameStore


def video(path: Path, frames: int, height: int, width: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for i in range(frames):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.full((height, width, 3), 9 * i, np.uint8)))
            )
        container.mux(stream.encode(None))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Two classes; ten clips that can be read and three that cannot."""
    for name in ("fall", "wave"):
        (tmp_path / name).mkdir()
    for i in range(8):
        np.save(tmp_path / "fall" / f"{i}.npy", np.zeros((i + 1, 12, 16), np.uint8))
    video(tmp_path / "wave" / "a.mp4", 7, 48, 64)
    (tmp_path / "wave" / "pictures").mkdir()
    for i in range(3):
        cv2.imwrite(
            str(tmp_path / "wave" / "pictures" / f"{i}.png"), np.full((20, 30, 3), (0, 9, 200), np.uint8)
        )
    (tmp_path / "wave" / "empty.avi").touch()
    (tmp_path / "wave" / "[noise].mp4").write_bytes(os.urandom(4000))
    np.save(tmp_path / "fall" / "flat.npy", np.zeros(5, np.uint8))
    return tmp_path


@pytest.mark.parametrize("workers", [1, 2])
def test_every_clip_is_counted_and_every_broken_one_named(broken: Path, workers: int) -> None:
    report = scan(DataConfig(f"folder:{broken}", test_share=0), workers=workers, quiet=True)
    assert len(report.clips) == 13 and report.parts == {"train": 13}
    assert report.counts == {"fall": {"train": 9}, "wave": {"train": 4}}
    looks = {clip.id: clip.look for clip in report.readable}
    assert looks["fall/4.npy"] == Look(5, (12, 16), 1)
    assert looks["wave/a.mp4"] == Look(7, (48, 64), 3)
    assert looks["wave/pictures"] == Look(3, (20, 30), 3)
    assert report.lengths == (1, 4.5, 8)
    assert report.sizes == {"12x16x1": 8, "48x64x3": 1, "20x30x3": 1}
    assert {clip.id for clip in report.unreadable} == {"wave/empty.avi", "wave/[noise].mp4", "fall/flat.npy"}
    assert all(clip.look.reason and clip.name not in clip.look.reason for clip in report.unreadable)


def test_the_report_as_json_and_as_text(broken: Path) -> None:
    table = [
        "path,label,split",
        *(f"{c.id},{c.id[:4]},train" for c in open_data(DataConfig(f"folder:{broken}")).clips),
    ]
    (broken / "clips.csv").write_text("\n".join([*table, "wave/gone.mp4,wave,test"]))
    report = scan(DataConfig(f"folder:{broken}", available_only=True), quiet=True)
    read = json.loads(report.to_json())
    assert read["parts"] == {"train": 13} and read["missing"] == ["wave/gone.mp4"]
    assert read["frames"] == {"min": 1, "median": 4.5, "max": 8}
    assert set(read["unreadable"]) == {
        f"{broken}/{name}" for name in ("wave/empty.avi", "wave/[noise].mp4", "fall/flat.npy")
    }
    assert len(read["clips"]) == 13 and read["clips"][0]["look"]["reason"] is None
    out = io.StringIO()
    print_report(report, Console(file=out, width=60))
    text = out.getvalue()
    for piece in (
        "1 listed clips are missing",
        "wave/gone.mp4",
        "3 of 13 clips are unreadable",
        "1 to 8, median 4.5",
    ):
        assert piece in text
    for clip in report.unreadable:  # whole and in one line, brackets included
        assert f"  {clip.name}: {clip.look.reason}\n" in text


def test_an_unlabeled_pool_is_scanned_too(broken: Path) -> None:
    report = scan(DataConfig(f"kinetics:{broken}"), quiet=True)
    assert report.counts == {"(unlabeled)": {"train": 3}} and len(report.unreadable) == 2
    print_report(report, Console(file=io.StringIO()))


@dataclass(frozen=True)
class Deadly:
    """A recording whose decoder takes its whole process with it."""

    name: str

    def fingerprint(self) -> str:
        return self.name

    def open(self):
        os._exit(1)


@dataclass(frozen=True)
class Odd(Deadly):
    """A recording whose decoder fails in a way nobody foresaw."""

    def open(self):
        raise ZeroDivisionError("rate 0/0")


def test_a_crashing_decoder_costs_its_own_clip_only(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((40, 12, 16), np.uint8))
    good = [ArrayFrames(tmp_path / "a.npy", i, i + 1) for i in range(10)]
    counts: list[tuple[int, int]] = []
    looks = look_at_all([*good[:3], Deadly("bomb"), *good[3:]], 2, lambda *count: counts.append(count))
    assert looks[3] == Look(reason="its decoder crashed")
    assert [look.frames for i, look in enumerate(looks) if i != 3] == [1] * 10
    assert counts == [(i, 11) for i in range(1, 12)]


def test_an_unforeseen_error_names_the_clip() -> None:
    assert look_at_all([Odd("x.avi")], 1) == [Look(reason="ZeroDivisionError: rate 0/0")]


def test_with_a_store_the_frames_are_kept(broken: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    config = DataConfig(f"folder:{broken}", test_share=0)
    store = FrameStore(tmp_path_factory.mktemp("store"), SensorModel(), None)
    kept, plain = scan(config, store, quiet=True), scan(config, quiet=True)
    assert kept == plain and len(kept.unreadable) == 3
    for clip in open_data(config).clips[:8]:
        assert len(store.elr(clip.source)) == kept.clips[int(Path(clip.id).stem)].look.frames


def test_with_a_store_too_the_scan_survives_what_breaks_later(tmp_path: Path) -> None:
    """Stored frames of a file whose content changed, but neither its size nor its time: the store cannot know."""
    for name in ("fall", "wave"):
        (tmp_path / "clips" / name).mkdir(parents=True)
        np.save(tmp_path / "clips" / name / "a.npy", np.zeros((3, 12, 16), np.uint8))
    config = DataConfig(f"folder:{tmp_path / 'clips'}", test_share=0)
    store = FrameStore(tmp_path / "store", SensorModel(), None)
    assert not scan(config, store, quiet=True).unreadable
    path = tmp_path / "clips" / "fall" / "a.npy"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, ns=times)
    kept, plain = scan(config, store, quiet=True), scan(config, quiet=True)
    assert [clip.id for clip in kept.unreadable] == ["fall/a.npy"]
    assert kept.unreadable[0].look == plain.unreadable[0].look


def test_the_real_clips(data_root: Path) -> None:
    lists = str(data_root / "splits" / "hmdb51")
    report = scan(
        DataConfig(f"hmdb51:{data_root}/clips/hmdb51", lists=lists, available_only=True), quiet=True
    )
    assert not report.unreadable and len(report.clips) == 2 and len(report.missing) == 6764
    assert report.lengths is not None and report.lengths[0] > 20
