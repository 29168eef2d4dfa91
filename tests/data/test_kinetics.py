"""Kinetics: CSV lists by their header, file names in every usual form, and pools."""

from pathlib import Path

import pytest

from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.errors import FarviewError

HEADER = "label,youtube_id,time_start,time_end,split,is_cc\n"
TRAIN = (
    HEADER
    + "riding a bike,-0abcdefghi,5,15,train,0\n"
    + '"yoga, fast",AB_cd-EF_12,0,10,train,1\n'
    + "riding a bike,zzzzzzzzzzz,100,110,train,0\n"
)
VAL = HEADER + "riding a bike,vvvvvvvvvvv,1,11,val,0\n"
FILES = (
    "train/riding a bike/-0abcdefghi_000005_000015.mp4",
    "train/yoga,_fast/AB_cd-EF_12_000000_000010.mkv",
    "zzzzzzzzzzz.mp4",
    "val/riding_a_bike/vvvvvvvvvvv_000001_000011.mp4",
)


def lay_out(root: Path, touch, **lists: str) -> Path:
    touch(root, FILES)
    for name, text in lists.items():
        (root / f"{name}.csv").write_text(text)
    return root


def test_files_in_every_usual_place_get_their_labels(tmp_path: Path, touch) -> None:
    data = open_data(DataConfig(f"kinetics:{lay_out(tmp_path, touch, train=TRAIN, val=VAL)}"))
    assert data.classes == ("riding a bike", "yoga, fast") and not data.people
    found = {
        c.id: (Path(c.source.name).relative_to(tmp_path).as_posix(), c.label, c.part, c.group)
        for c in data.clips
    }
    assert found == {
        "-0abcdefghi_000005_000015": (FILES[0], 0, "train", "-0abcdefghi"),
        "AB_cd-EF_12_000000_000010": (FILES[1], 1, "train", "AB_cd-EF_12"),
        "zzzzzzzzzzz_000100_000110": (FILES[2], 0, "train", "zzzzzzzzzzz"),
        "vvvvvvvvvvv_000001_000011": (FILES[3], 0, "test", "vvvvvvvvvvv"),
    }
    assert any("validation list is the test part" in note for note in data.notes)


def test_columns_go_by_the_header_not_by_their_order(tmp_path: Path, touch) -> None:
    lines = ("validate,vvvvvvvvvvv,b", "test,zzzzzzzzzzz,a", "train,-0abcdefghi,a", "train,AB_cd-EF_12,b")
    text = "\n".join(("split,youtube_id,label", *lines))
    data = open_data(DataConfig(f"kinetics:{lay_out(tmp_path, touch, all=text)}"))
    assert [(c.id, c.label, c.part) for c in data.clips] == [
        ("vvvvvvvvvvv", 1, "val"),
        ("zzzzzzzzzzz", 0, "test"),
        ("-0abcdefghi", 0, "train"),
        ("AB_cd-EF_12", 1, "train"),
    ]


def test_the_cut_clip_is_preferred_to_the_whole_video(tmp_path: Path, touch) -> None:
    root = lay_out(tmp_path, touch, train=TRAIN)
    touch(root, ["zzzzzzzzzzz_000100_000110.webm", "zzzzzzzzzzz_000300_000310.webm"])
    data = open_data(DataConfig(f"kinetics:{root}"))
    assert data.clips[2].source.name.endswith("zzzzzzzzzzz_000100_000110.webm")


def test_missing_clips_are_counted_and_named(tmp_path: Path, touch) -> None:
    root = lay_out(tmp_path, touch, train=TRAIN + "flying,QQQQQQQQQQQ,0,10,train,0\n")
    with pytest.raises(FarviewError, match=r"1 of 4 listed clips are missing \(QQQQQQQQQQQ_000000_000010\)"):
        open_data(DataConfig(f"kinetics:{root}"))
    data = open_data(DataConfig(f"kinetics:{root}", available_only=True))
    assert data.missing == ("QQQQQQQQQQQ_000000_000010",)
    assert data.classes == ("flying", "riding a bike", "yoga, fast")  # the whole list, whatever is there


def test_test_lists_without_labels_are_left_out(tmp_path: Path, touch) -> None:
    hidden = HEADER + ",AAAAAAAAAAA,0,10,test,0\n"
    data = open_data(DataConfig(f"kinetics:{lay_out(tmp_path, touch, train=TRAIN, val=VAL, test=hidden)}"))
    assert len(data.clips) == 4 and "1 lines of the lists have no label" in data.notes[0]


def test_a_folder_without_lists_is_an_unlabeled_pool(tmp_path: Path, touch) -> None:
    (tmp_path / "notes.csv").write_text("what,ever\n")
    data = open_data(DataConfig(f"kinetics:{lay_out(tmp_path, touch)}"))
    assert sorted(c.id for c in data.clips) == sorted(FILES) and data.classes == ()
    assert {(c.label, c.part) for c in data.clips} == {(None, "train")}
    assert {c.group for c in data.clips} == {"-0abcdefghi", "AB_cd-EF_12", "zzzzzzzzzzz", "vvvvvvvvvvv"}
    with pytest.raises(FarviewError, match="neither a CSV list nor any video"):
        (tmp_path / "empty").mkdir()
        open_data(DataConfig(f"kinetics:{tmp_path / 'empty'}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,youtube_id\nx,y\n", r"all.csv: no column 'split'"),
        ("label,youtube_id,splt\nx,y,train\n", r"no column 'split' \(did you mean 'splt'\?\)"),
        ("label,youtube_id,split\na,zzzzzzzzzzz,trian\n", r"all.csv, line 2: split 'trian'"),
        ("label,youtube_id,split\na,zzzzzzzzzzz,train\nb,zzzzzzzzzzz,train\n", "listed with two labels"),
        (
            "label,youtube_id,split\na,zzzzzzzzzzz,train\na,zzzzzzzzzzz,test\n",
            "zzzzzzzzzzz: is in both train and test",
        ),
        (
            "label,youtube_id,time_start,time_end,split\na,zzzzzzzzzzz,0,10,train\na,zzzzzzzzzzz,20,30,test\n",
            "zzzzzzzzzzz_000020_000030: is in both train and test",  # one file cannot be both
        ),
        ("label,youtube_id,time_start,time_end,split\na,zzzzzzzzzzz,x,10,train\n", "times 'x' and '10'"),
        (
            "label,youtube_id,split\na,zzzzzzzzzzz\n",
            r"line 2: expected 3 values \(label, youtube_id, split\)",
        ),
    ],
)
def test_bad_lists_are_named(tmp_path: Path, touch, text: str, message: str) -> None:
    with pytest.raises(FarviewError, match=message):
        open_data(DataConfig(f"kinetics:{lay_out(tmp_path, touch, all=text)}"))


def test_csv_files_of_another_encoding(tmp_path: Path, touch) -> None:
    """What is no list may be anything; a list that is no UTF-8 is named."""
    root = lay_out(tmp_path, touch, train=TRAIN)
    (root / "notes.csv").write_bytes("Größe,Länge\n1,2\n".encode("latin-1"))
    assert len(open_data(DataConfig(f"kinetics:{root}")).clips) == 3
    (root / "val.csv").write_bytes(VAL.replace("riding a bike", "Fahrräder").encode("latin-1"))
    with pytest.raises(FarviewError, match=r"val\.csv: cannot be read as a UTF-8 text"):
        open_data(DataConfig(f"kinetics:{root}"))


def test_lists_elsewhere(tmp_path: Path, touch) -> None:
    root = lay_out(tmp_path / "videos", touch)
    (tmp_path / "train.csv").write_text(TRAIN)
    for lists in (tmp_path, tmp_path / "train.csv"):
        assert len(open_data(DataConfig(f"kinetics:{root}", lists=str(lists))).clips) == 3
    with pytest.raises(FarviewError, match="no CSV list there"):
        open_data(DataConfig(f"kinetics:{root}", lists=str(root)))


def test_the_real_clips_by_their_ids(data_root: Path, tmp_path: Path) -> None:
    root = f"kinetics:{data_root}/clips/kinetics"
    assert {c.group for c in open_data(DataConfig(root)).clips} == {"SOX5yA1l24A", "WUzgd7C1pWA"}
    (tmp_path / "l.csv").write_text(HEADER + "a,SOX5yA1l24A,4,14,train,0\nb,WUzgd7C1pWA,0,10,val,0\n")
    data = open_data(DataConfig(root, lists=str(tmp_path)))
    assert [(c.id, c.label, c.part) for c in data.clips] == [
        ("SOX5yA1l24A_000004_000014", 0, "train"),
        ("WUzgd7C1pWA_000000_000010", 1, "test"),
    ]
