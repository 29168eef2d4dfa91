"""MSR-Action3D: labels and subjects by name."""

from collections import Counter
from pathlib import Path

import pytest

from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.msr_action3d import CLASSES
from farview.errors import FarviewError
from farview.frames.depth import DepthFile


def test_the_real_files_make_the_published_protocol(data_root: Path) -> None:
    data = open_data(DataConfig(f"msr-action3d:{data_root}/msr-action3d", box=True, distance=2))
    assert (len(data.part("train")), len(data.part("test"))) == (283, 273)
    assert {c.group for c in data.part("train")} == {"s01", "s03", "s05", "s07", "s09"}
    assert {c.group for c in data.part("test")} == {"s02", "s04", "s06", "s08", "s10"}
    names = (data_root / "README.md").read_text().split("classes, in order: ")[1].split(".\n")[0]
    assert data.classes == tuple(" ".join(name.split()) for name in names.split(","))
    for clip in data.clips:
        assert clip.id.startswith(f"a{(clip.label or 0) + 1:02d}_{clip.group}_")
        assert clip.source == DepthFile(data_root / "msr-action3d" / clip.id, box=True, distance=2)
    assert min(Counter(c.label for c in data.part("train")).values()) > 5


def test_subjects_and_actions(tmp_path: Path, touch) -> None:
    touch(
        tmp_path, ["a20_s10_e03_sdepth.mat", "a01_s09_e01_sdepth.mat", "a01_s09_e01_skeleton.mat", "read.me"]
    )
    data = open_data(DataConfig(f"msr-action3d:{tmp_path}"))
    assert [(c.label, c.part, c.group) for c in data.clips] == [(0, "train", "s09"), (19, "test", "s10")]
    assert len(CLASSES) == 20 and data.classes[19] == "pick up and throw"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a21_s01_e01_sdepth.mat", "a21_s01_e01_sdepth.mat: action a21; expected a01 to a20"),
        ("a00_s01_e01_sdepth.mat", "action a00"),
        ("a01_s11_e01_sdepth.mat", "a01_s11_e01_sdepth.mat: subject s11; expected s01 to s10"),
        ("b01_s01_e01_sdepth.mat", "b01_s01_e01_sdepth.mat: unknown name"),
        ("video.avi", "no depth clips"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path: Path, touch, name: str, message: str) -> None:
    touch(tmp_path, [name])
    with pytest.raises(FarviewError, match=message):
        open_data(DataConfig(f"msr-action3d:{tmp_path}"))


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FarviewError, match=r"split '2': expected 1 \(cross-subject\) or, .* held-out1, held-out3"
    ):
        open_data(DataConfig(f"msr-action3d:{tmp_path}", split="2"))


@pytest.mark.parametrize("left_out", [1, 9])
def test_settings_are_chosen_without_the_test_subjects(data_root: Path, left_out: int) -> None:
    source = f"msr-action3d:{data_root}/msr-action3d"
    final, choosing = (
        open_data(DataConfig(source)),
        open_data(DataConfig(source, split=f"held-out{left_out}")),
    )
    held = tuple(c.id for c in choosing.part("test"))
    assert {c.group for c in choosing.part("test")} == {f"s{left_out:02d}"}
    assert {c.id for c in final.part("train")} == {c.id for c in choosing.part("train")} | set(held)
    assert not set(held) & {c.id for c in choosing.part("train")}
    assert {c.id for c in final.part("test")} == {c.id for c in choosing.part("unused")}
