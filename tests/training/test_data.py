"""What data a recipe cannot be trained on: said by name before anything trains."""

from pathlib import Path

import cv2
import pytest

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
