"""What data a recipe cannot be trained on: said by name before anything trains."""

from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from farview.deploy.record import record
from farview.deploy.record_settings import Settings
from farview.errors import FarviewError
from farview.training.data import prepare
from tests.training.tiny import tiny_recipe


def test_data_without_labels_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_bytes(b"no video")
    recipe = tiny_recipe(tmp_path, f"--data.source=kinetics:{tmp_path / 'videos'}")
    with pytest.raises(FarviewError, match=r"data\.source: kinetics:.*no labels.*data\.pool"):
        prepare(recipe, quiet=True)


def test_one_class_is_refused(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for name in ("a", "b"):
        (tmp_path / "videos" / f"{name}.mp4").write_bytes(b"no video")
    lists = tmp_path / "videos" / "list.csv"
    lists.write_text("youtube_id,label,split\na,wave,train\nb,wave,test\n")
    recipe = tiny_recipe(tmp_path, f"--data.source=kinetics:{tmp_path / 'videos'}", f"--data.lists={lists}")
    with pytest.raises(FarviewError, match=r"data\.source: kinetics:.*one class, 'wave'"):
        prepare(recipe, quiet=True)


@pytest.mark.parametrize("phases", ["[student]", "[teacher,student]"])
def test_grey_clips_among_rgb_ones_are_named(tmp_path: Path, phases: str) -> None:
    recipe = tiny_recipe(tmp_path, f"--phases={phases}")
    assert prepare(recipe, quiet=True).channels == 3
    for number in (2, 4):
        for path in (tmp_path / "clips" / "left" / f"clip{number:02d}").iterdir():
            cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    with pytest.raises(FarviewError, match=r"2 of 1 and 10 of 3; .*left/clip0[24] has 1; .*the 2$"):
        prepare(recipe, quiet=True)


def test_how_the_clips_were_divided_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(tiny_recipe(tmp_path, "--phases=[student]"))
    printed = capsys.readouterr().out
    assert "note: divided clip by clip, seed 1: 8 clips for training, 4 for testing\n" in printed
    assert "note: no groups: " in printed


def test_missing_clips_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tiny_recipe(tmp_path, "--phases=[student]", "--data.available_only=true")
    lists = "\n".join(
        ["path,label"]
        + [f"{path.parent.name}/{path.name},{path.parent.name}" for path in (tmp_path / "clips").glob("*/*")]
    )
    (tmp_path / "clips" / "clips.csv").write_text(lists + "\nleft/none,left\n")
    prepare(recipe)
    assert "note: 1 of 13 listed clips are missing, first: left/none\n" in capsys.readouterr().out


def test_without_training_clips_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(FarviewError, match=r"no training clips; all are for testing: .*data\.test_share"):
        prepare(tiny_recipe(tmp_path, "--data.test_share=1"), quiet=True)


def test_the_share_that_would_do_is_named(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "--phases=[student]", "--data.test_share=0", "--data.val_share=0")
    broken = tmp_path / "clips" / "left" / "clip00"
    next(broken.glob("*.png")).write_bytes(b"no picture")
    with pytest.raises(
        FarviewError, match=r"1 of 12 training clips are unreadable.*clip00.*by (--.*)$"
    ) as caught:
        prepare(recipe, quiet=True)
    share = float(str(caught.value).rsplit("--unreadable_share ", 1)[1])
    assert len(prepare(replace(recipe, unreadable_share=share), quiet=True).train) == 11


def test_elr_recordings_teach_s_net_alone_and_the_error_says_so(tmp_path: Path) -> None:
    plain = tiny_recipe(tmp_path)
    record(str(tmp_path / "clips"), tmp_path / "elr", Settings(plain.input.sensor), quiet=True)
    source = f"--data.source=folder:{tmp_path / 'elr'}"
    with pytest.raises(
        FarviewError,
        match=r"12 of 12 .* cannot give HR frames; .*--phases '\[student\]' \(in a table: rows without HR\)$",
    ):
        prepare(tiny_recipe(tmp_path, source, "--data.test_share=0"), quiet=True)
    fresh = ("--data.test_share=0", "--phases=[student]", "--augment.fresh_elr=true")
    with pytest.raises(FarviewError, match=r"cannot give HR frames; .*without augment\.fresh_elr$"):
        prepare(tiny_recipe(tmp_path, source, *fresh), quiet=True)
    assert prepare(tiny_recipe(tmp_path, source, "--phases=[student]"), quiet=True).train
