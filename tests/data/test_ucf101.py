"""UCF101 by its official lists, parsed here a second time."""

from pathlib import Path

import pytest

from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.splits import hold_out
from farview.errors import FarviewError

COUNTS = {"1": (9537, 3783), "2": (9586, 3734), "3": (9624, 3696)}


def small(root: Path, touch, train: str, test: str, index: str | None = "1 Archery\r\n2 Biking\r\n") -> Path:
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (lists / "trainlist01.txt").write_text(train)
    (lists / "testlist01.txt").write_text(test)
    if index is not None:
        (lists / "classInd.txt").write_bytes(index.encode())
    touch(root, [line.split()[0] for line in (train + "\n" + test).splitlines() if line])
    return root


TRAIN = "Archery/v_Archery_g08_c01.avi 1\nBiking/v_Biking_g08_c01.avi 2\nBiking/v_Biking_g09_c01.avi 2"
TEST = "Archery/v_Archery_g01_c01.avi\nBiking/v_Biking_g01_c02.avi\n"


@pytest.fixture(scope="module")
def whole(data_root: Path, tmp_path_factory: pytest.TempPathFactory, touch) -> tuple[Path, Path]:
    """(lists, a folder with every video of the three splits, all empty)."""
    lists, root = data_root / "splits" / "ucf101", tmp_path_factory.mktemp("ucf101")
    for name in ("trainlist01.txt", "testlist01.txt"):
        touch(root, [line.split()[0] for line in (lists / name).read_text().splitlines()])
    return lists, root


@pytest.mark.parametrize("split", ["1", "2", "3"])
def test_paths_and_labels_are_the_official_ones(whole: tuple[Path, Path], split: str) -> None:
    lists, root = whole
    data = open_data(DataConfig(f"ucf101:{root}", split=split, lists=str(lists)))
    number = {
        n: int(i) for i, n in (line.split() for line in (lists / "classInd.txt").read_text().splitlines())
    }
    expected = {}
    for part in ("train", "test"):
        for line in (lists / f"{part}list0{split}.txt").read_text().split("\n"):
            if line.strip():
                path = line.split()[0]
                expected[path] = (part, number[path[: path.index("/")]] - 1)
                if part == "train":
                    assert int(line.split()[1]) == number[path[: path.index("/")]]
    assert {clip.id: (clip.part, clip.label) for clip in data.clips} == expected
    assert (len(data.part("train")), len(data.part("test"))) == COUNTS[split]
    assert len(data.classes) == 101 and data.classes[36] == "HandstandPushups" and not data.people
    assert not {c.group for c in data.part("train")} & {c.group for c in data.part("test")}
    for clip in data.clips:
        assert clip.source.name.endswith(clip.id)
    if split == "1":
        kept, held = hold_out(data.part("train"), 0.2, 0)
        assert not {c.group for c in kept} & {c.group for c in held}
        assert len({c.label for c in held}) == 101 and abs(len(held) / COUNTS["1"][0] - 0.2) < 0.01


def test_without_class_numbers_the_order_is_the_official_one(
    whole: tuple[Path, Path], tmp_path: Path
) -> None:
    lists, root = whole
    for name in ("trainlist01.txt", "testlist01.txt"):
        (tmp_path / name).write_text((lists / name).read_text())
    classes = tuple(line.split()[1] for line in (lists / "classInd.txt").read_text().splitlines())
    assert open_data(DataConfig(f"ucf101:{root}", lists=str(tmp_path))).classes == classes


def test_the_few_real_clips_need_available_only(data_root: Path) -> None:
    config = {"source": f"ucf101:{data_root}/clips/ucf101", "lists": str(data_root / "splits/ucf101")}
    with pytest.raises(FarviewError, match=r"13316 of 13320 .*ApplyEyeMakeup/v_.*--available-only"):
        open_data(DataConfig(**config))
    data = open_data(DataConfig(**config, available_only=True))
    assert len(data.clips) == 4 and len(data.missing) == 13316 and len(data.classes) == 101
    assert {data.classes[c.label] for c in data.clips} == {
        "ApplyEyeMakeup",
        "BaseballPitch",
        "SoccerJuggling",
    }


@pytest.mark.parametrize("beside", [False, True])
def test_lists_are_found_below_or_beside_the_videos(tmp_path: Path, touch, beside: bool) -> None:
    root = small(tmp_path / "videos", touch, TRAIN, TEST)
    if beside:
        (root / "ucfTrainTestlist").rename(tmp_path / "ucfTrainTestlist")
    data = open_data(DataConfig(f"ucf101:{root}"))
    assert (len(data.part("train")), len(data.part("test"))) == (3, 2)
    assert data.clips[0].group == "Archery_g08" and data.clips[1].group == "Biking_g08"


def test_class_is_the_folder_and_case_of_files_may_differ(tmp_path: Path, touch) -> None:
    listed = "HandstandPushups/v_HandStandPushups_g08_c01.avi 1\nBiking/v_Biking_g08_c01.avi 2\n"
    root = small(tmp_path, touch, "", "")
    lists = root / "ucfTrainTestlist"
    (lists / "trainlist01.txt").write_text(listed)
    (lists / "classInd.txt").write_text("1 HandstandPushups\n2 Biking\n")
    touch(root, ["HandStandPushups/v_HandstandPushups_g08_c01.AVI", "Biking/v_Biking_g08_c01.mp4"])
    data = open_data(DataConfig(f"ucf101:{root}"))
    assert [(c.id, c.label) for c in data.clips] == [
        (line.split()[0], i) for i, line in enumerate(listed.splitlines())
    ]
    assert [Path(c.source.name).name for c in data.clips] == [
        "v_HandstandPushups_g08_c01.AVI",
        "v_Biking_g08_c01.mp4",
    ]


def test_the_file_spelled_exactly_is_preferred(tmp_path: Path, touch) -> None:
    root = small(tmp_path, touch, TRAIN, TEST)
    touch(root, ["Archery/V_ARCHERY_g08_c01.avi", "Archery/v_Archery_g08_c01.mkv"])
    assert open_data(DataConfig(f"ucf101:{root}")).clips[0].source.name.endswith("v_Archery_g08_c01.avi")


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (TRAIN, TEST + "Archery/v_Archery_g08_c01.avi", "v_Archery_g08_c01.avi: is in both train and test"),
        (
            TRAIN + "\nBiking/v_Biking_g08_c01.avi 2",
            TEST,
            "v_Biking_g08_c01.avi: is listed twice.*line 2.*line 4",
        ),
        (
            TRAIN + "\nDiving/v_Diving_g01_c01.avi 3",
            TEST,
            "line 4: 'Diving/v_Diving_g01_c01.avi' is of no known class",
        ),
        (TRAIN + "\nBiking/v_Biking_g10_c01.avi 1", TEST, "has label 1, its class Biking is 2"),
    ],
)
def test_contradictions_are_named(tmp_path: Path, touch, train: str, test: str, message: str) -> None:
    root = small(tmp_path, touch, train, test)
    with pytest.raises(FarviewError, match=message):
        open_data(DataConfig(f"ucf101:{root}"))


def test_missing_lists_and_clips_are_named(tmp_path: Path, touch) -> None:
    with pytest.raises(FarviewError, match=r"no split lists \(trainlist01.txt\).*lists"):
        open_data(DataConfig(f"ucf101:{tmp_path}"))
    with pytest.raises(FarviewError, match="split '4': expected 1, 2 or 3"):
        open_data(DataConfig(f"ucf101:{tmp_path}", split="4"))
    root = small(tmp_path / "u", touch, TRAIN, TEST)
    (root / "Biking/v_Biking_g01_c02.avi").unlink()
    with pytest.raises(
        FarviewError, match=r"1 of 5 listed clips are missing \(Biking/v_Biking_g01_c02.avi\)"
    ):
        open_data(DataConfig(f"ucf101:{root}"))
    assert open_data(DataConfig(f"ucf101:{root}", available_only=True)).missing == (
        "Biking/v_Biking_g01_c02.avi",
    )
    (root / "ucfTrainTestlist/classInd.txt").write_text("0 Archery\n1 Biking\n")
    with pytest.raises(FarviewError, match=r"classInd.txt, line 1: '0 Archery'; expected '1 <class>'"):
        open_data(DataConfig(f"ucf101:{root}"))
