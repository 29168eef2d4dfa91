"""HMDB51 by its official lists, parsed here a second time."""

from collections import Counter
from pathlib import Path

import pytest

from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.hmdb51 import film
from farview.errors import FarviewError


@pytest.fixture(scope="module")
def whole(data_root: Path, tmp_path_factory: pytest.TempPathFactory, touch) -> tuple[Path, Path]:
    """(lists, a folder with every video, all empty)."""
    lists, root = data_root / "splits" / "hmdb51", tmp_path_factory.mktemp("hmdb51")
    for path in lists.iterdir():
        folder = path.name.split("_test_split")[0]
        touch(root, [f"{folder}/{line.split()[0]}" for line in path.read_text().splitlines() if line.strip()])
    return lists, root


@pytest.mark.parametrize("split", ["1", "2", "3"])
def test_paths_and_labels_are_the_official_ones(whole: tuple[Path, Path], split: str) -> None:
    lists, root = whole
    data = open_data(DataConfig(f"hmdb51:{root}", split=split, lists=str(lists)))
    names = sorted({path.name.rsplit("_test_split", 1)[0] for path in lists.iterdir()})
    expected = {}
    for i, name in enumerate(names):
        for line in (lists / f"{name}_test_split{split}.txt").read_text().splitlines():
            file, flag = line.split()
            expected[f"{name}/{file}"] = (("unused", "train", "test")[int(flag)], i)
    assert {clip.id: (clip.part, clip.label) for clip in data.clips} == expected
    assert data.classes == tuple(names) and len(names) == 51 and not data.people
    assert Counter(c.part for c in data.clips) == {"train": 3570, "test": 1530, "unused": 1666}
    assert set(Counter(c.label for c in data.part("train")).values()) == {70}
    assert set(Counter(c.label for c in data.part("test")).values()) == {30}
    for clip in data.clips:  # names with `!`, `[`, `(` and so on included
        assert clip.source.name == f"{root}/{clip.id}"


def test_names_give_the_film(whole: tuple[Path, Path]) -> None:
    lists, root = whole
    clips = open_data(DataConfig(f"hmdb51:{root}", lists=str(lists))).clips
    assert all(clip.group and "_np" not in clip.group for clip in clips)
    groups = {clip.id.split("/")[1]: clip.group for clip in clips}
    assert groups["TrumanShow_wave_f_nm_np1_fr_med_26.avi"] == "TrumanShow"
    assert film("50_FIRST_DATES_climb_stairs_f_cm_np1_fr_med_0.avi", "climb_stairs") == "50_FIRST_DATES"
    assert film("my own.avi", "wave") == "my own.avi"


def test_the_few_real_clips_need_available_only(data_root: Path) -> None:
    config = {"source": f"hmdb51:{data_root}/clips/hmdb51", "lists": str(data_root / "splits/hmdb51")}
    with pytest.raises(FarviewError, match="6764 of 6766 listed clips are missing"):
        open_data(DataConfig(**config))
    data = open_data(DataConfig(**config, available_only=True))
    assert {data.classes[c.label] for c in data.clips} == {"wave"} and len(data.missing) == 6764


def small(root: Path, touch, wave: str) -> Path:
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir()
    (lists / "wave_test_split1.txt").write_text(wave)
    (lists / "clap_test_split1.txt").write_text("a_clap_u_nm_np1_fr_bad_0.avi 1 \n")
    touch(root, ["clap/a_clap_u_nm_np1_fr_bad_0.avi"])
    return root


def test_names_with_brackets_are_no_patterns(tmp_path: Path, touch) -> None:
    names = [
        "[clip]!*_wave_f_nm_np1_fr_med_0.avi",
        "#c(1)_wave_f_nm_np1_fr_med_1.avi",
        "c_wave_f_nm_np1_fr_med_2.avi",
    ]
    root = small(tmp_path, touch, "".join(f"{name} {flag} \n" for flag, name in enumerate(names)))
    touch(root / "wave", names)
    clips = open_data(DataConfig(f"hmdb51:{root}")).clips[1:]
    assert [(Path(c.source.name).name, c.part) for c in clips] == list(
        zip(names, ("unused", "train", "test"), strict=True)
    )


def test_where_the_folder_above_the_videos_is_named_it_says_where_they_are(tmp_path: Path, touch) -> None:
    small(tmp_path, touch, "x_wave_f_nm_np1_fr_med_0.avi 1\n")
    (tmp_path / "clap").rename(tmp_path / "videos")
    (tmp_path / "hmdb51").mkdir()
    (tmp_path / "videos").rename(tmp_path / "hmdb51" / "clap")
    with pytest.raises(
        FarviewError, match=rf"none of the 2 listed clips.*, but there is {tmp_path}/hmdb51/clap$"
    ):
        open_data(DataConfig(f"hmdb51:{tmp_path}"))
    (tmp_path / "hmdb51" / "clap").rename(tmp_path / "hmdb51" / "wave")  # of a class that is not the first
    with pytest.raises(FarviewError, match=rf"but there is {tmp_path}/hmdb51/wave$"):
        open_data(DataConfig(f"hmdb51:{tmp_path}"))


def test_wrong_flags_are_named(tmp_path: Path, touch) -> None:
    root = small(tmp_path, touch, "x_wave_f_nm_np1_fr_med_0.avi 3\n")
    with pytest.raises(
        FarviewError, match=r"wave_test_split1.txt, line 1: .*expected '<video>.avi <0, 1 or 2>'"
    ):
        open_data(DataConfig(f"hmdb51:{root}"))
