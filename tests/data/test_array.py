"""Arrays of frames: cut, labelled and scaled as the file says; leave one group out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.errors import FarviewError

LENGTH = np.array([3, 1, 4, 2, 3, 2])


def save(path: Path, **changes: Any) -> Path:
    """Six clips of 2x3 pixels whose value is the frame's number in degrees; None takes an array away."""
    frames = np.arange(15, dtype=np.float32)[:, None, None] * np.ones((1, 2, 3), np.float32)
    arrays: dict[str, Any] = {
        "frames": frames,
        "length": LENGTH,
        "label": np.array(["sit", "fall", "sit", "fall", "sit", "fall"]),
        "group": np.array([10, 10, 9, 9, 2, 2]),
    }
    arrays |= changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def grey(data, index: int) -> np.ndarray:
    with data.clips[index].source.open() as frames:
        return frames.read(range(len(frames)))


def test_the_real_thermal_array_leaves_a_session_out(data_root: Path) -> None:
    path = data_root / "grid-eye" / "grid-eye.npz"
    raw = dict(np.load(path))
    starts = np.cumsum(raw["length"]) - raw["length"]
    for split in ("1", "6"):
        data = open_data(DataConfig(f"array:{path}", split=split))
        assert data.classes == ("bow", "fall", "sit", "walk")
        assert [data.classes[c.label or 0] for c in data.clips] == raw["label"].tolist()
        assert [c.part == "test" for c in data.clips] == [group == split for group in raw["group"]]
        train = np.concatenate(
            [
                raw["frames"][s : s + n].ravel()
                for s, n, g in zip(starts, raw["length"], raw["group"], strict=True)
                if g != split
            ]
        )
        low, high = np.percentile(train, [0.1, 99.9])
        i = 400
        values = raw["frames"][starts[i] : starts[i] + raw["length"][i]].astype(np.float64)
        expected = np.clip(np.rint((values - low) / (high - low) * 255), 0, 255)
        assert np.array_equal(grey(data, i)[..., 0], expected)
        assert any(f"values {low:.6g} to {high:.6g}" in note for note in data.notes)


def test_clips_are_cut_where_they_end(tmp_path: Path) -> None:
    data = open_data(DataConfig(f"array:{save(tmp_path / 'a.npz')}", low=0, high=255, split="9"))
    found = [grey(data, i)[:, 0, 0, 0].tolist() for i in range(6)]
    assert found == [[0, 1, 2], [3], [4, 5, 6, 7], [8, 9], [10, 11, 12], [13, 14]]
    assert [(c.label, c.part, c.group) for c in data.clips[1:4]] == [
        (0, "train", "10"),
        (1, "test", "9"),
        (0, "test", "9"),
    ]
    assert data.notes == ("group 9 of 2, 9, 10 left out for testing",)
    assert (
        open_data(DataConfig(f"array:{tmp_path}", split="9")).clips[0].id == "000000"
    )  # the only file in a folder


def test_a_number_that_is_no_group_counts_them(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz")
    for number, group in (("1", "2"), ("2", "2"), ("3", "10")):  # "2" is a name and stays one
        data = open_data(DataConfig(f"array:{path}", split=number))
        assert {c.group for c in data.part("test")} == {group}
    with pytest.raises(FarviewError, match=r"no group '4' to leave out.*groups: 2, 9, 10"):
        open_data(DataConfig(f"array:{path}", split="4"))


def test_the_range_is_the_training_clips_alone(tmp_path: Path) -> None:
    frames = np.arange(15, dtype=np.float32)[:, None, None] * np.ones((1, 2, 3), np.float32)
    frames[4:10] += 1000  # group 9, left out
    frames[0, 0, 0] = np.nan
    data = open_data(DataConfig(f"array:{save(tmp_path / 'a.npz', frames=frames)}", split="9"))
    kept = np.r_[frames[:4].ravel(), frames[10:].ravel()]
    low, high = np.nanpercentile(kept, [0.1, 99.9])
    assert data.clips[0].source.low == pytest.approx(low) and data.clips[0].source.high == pytest.approx(high)
    assert (grey(data, 2) == 255).all()


def test_numbered_labels_with_and_without_names(tmp_path: Path) -> None:
    numbers = np.array([10, 2, 10, 2, 10, 2])
    data = open_data(DataConfig(f"array:{save(tmp_path / 'a.npz', label=numbers)}"))
    assert data.classes == ("2", "10") and [c.label for c in data.clips] == [1, 0] * 3
    names = np.array(["lie", "sit", "fall"])
    data = open_data(
        DataConfig(f"array:{save(tmp_path / 'b.npz', label=np.array([2, 0] * 3), classes=names)}")
    )
    assert data.classes == ("lie", "sit", "fall") and [c.label for c in data.clips] == [2, 0] * 3
    data = open_data(
        DataConfig(f"array:{save(tmp_path / 'c.npz', classes=np.array(['sit', 'lie', 'fall']))}")
    )
    assert [c.label for c in data.clips] == [0, 2] * 3


def test_without_groups_a_share_of_the_clips_is_tested(tmp_path: Path) -> None:
    data = open_data(DataConfig(f"array:{save(tmp_path / 'a.npz', group=None)}", test_share=0.3))
    assert len(data.part("test")) == 2 and any("no groups" in note for note in data.notes)


def test_grey_levels_stay_as_they_are(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (15, 4, 5, 3), np.uint8)
    data = open_data(DataConfig(f"array:{save(tmp_path / 'a.npz', frames=frames)}"))
    assert np.array_equal(grey(data, 2), frames[4:8])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": None}, "a.npz: no array 'length'"),
        ({"label": None, "labels": np.zeros(6)}, r"no array 'label' \(did you mean 'labels'\?\)"),
        ({"length": LENGTH + 1}, "'length' must be whole numbers from 1 with the sum 15.*sum 21"),
        ({"length": np.array([3, 0, 5, 2, 3, 2])}, "'length' must be whole numbers from 1"),
        ({"length": np.array(15)}, r"'length' has shape \(\); expected one value a clip"),
        ({"length": LENGTH.astype(float)}, "'length' must be whole numbers"),
        ({"group": np.zeros(5, int)}, r"'group' has shape \(5,\); expected one value a clip, 6"),
        ({"label": np.zeros(6)}, "'label' is float64; expected names or whole numbers"),
        ({"label": np.zeros(6, int)}, "only one class"),
        (
            {"label": np.array([0, 1, 2] * 2), "classes": np.array(["a", "b"])},
            "label 2 of clip 2 is none of the classes a, b",
        ),
        ({"classes": np.array(["sit", "walk"])}, "label 'fall' of clip 1 is none of the classes sit, walk"),
        ({"frames": np.full((15, 2, 3), 7.0)}, "hold one value only, 7"),
        (
            {"label": np.array(["a", "b", "a", "b", "a", "c"])},
            "class 'c' is in test but has no training clips",
        ),
        ({"group": np.array([object()] * 6)}, "without pickle"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    save(tmp_path / "a.npz", **changes)
    with pytest.raises(FarviewError, match=message):
        open_data(DataConfig(f"array:{tmp_path / 'a.npz'}", split="2"))


def test_which_file(tmp_path: Path) -> None:
    with pytest.raises(FarviewError, match=r"expected one .npz file, found none"):
        open_data(DataConfig(f"array:{tmp_path}"))
    save(tmp_path / "a.npz"), save(tmp_path / "b.npz")
    with pytest.raises(FarviewError, match=r"found a.npz, b.npz"):
        open_data(DataConfig(f"array:{tmp_path}"))
    with pytest.raises(FarviewError, match=r"low and data.high go together"):
        open_data(DataConfig(f"array:{tmp_path / 'a.npz'}", low=3))
    (tmp_path / "c.npz").write_bytes(b"no zip")
    with pytest.raises(FarviewError, match=r"c.npz: cannot be read"):
        open_data(DataConfig(f"array:{tmp_path / 'c.npz'}"))
