"""Arrays of frames in files and in memory."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from farview.errors import UnreadableClip
from farview.frames.arrays import ArrayFrames, MemoryFrames

GREYS = np.random.default_rng(0).integers(0, 256, (7, 5, 4, 3), np.uint8)


def saved(path: Path, **arrays: NDArray) -> Path:
    if path.suffix == ".npy":
        np.save(path, arrays["frames"])
    else:
        np.savez(path, **arrays)
    return path


def message_of(source: ArrayFrames) -> str:
    with pytest.raises(UnreadableClip) as caught:
        source.open()
    assert "\n" not in str(caught.value)
    assert str(source.path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.NPZ"])
def test_uint8_frames_pass_unchanged(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", frames=GREYS).rename(tmp_path / name)
    if name == "a.npy":
        np.save(path, GREYS)
    with ArrayFrames(path).open() as frames:
        assert len(frames) == 7
        np.testing.assert_array_equal(frames.read([6, 0, 0]), GREYS[[6, 0, 0]])
        np.testing.assert_array_equal(np.stack(list(frames)), GREYS)
        assert frames.read([]).shape == (0, 5, 4, 3)
        assert type(frames.read([1])) is np.ndarray  # no memory map that keeps the file open
        with pytest.raises(IndexError, match=r"frame 7 is outside 0\.\.6"):
            frames.read([7])


@pytest.mark.parametrize("shape", [(7, 5, 4), (7, 5, 4, 1)])
def test_a_missing_channel_axis_is_added(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", frames=GREYS[..., 0].reshape(shape))
    with ArrayFrames(path, start=2, stop=5).open() as frames:
        np.testing.assert_array_equal(frames.read([0, 1, 2]), GREYS[2:5, ..., :1])


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=20),
    low=st.floats(-1000, 1000),
    span=st.floats(0.1, 1000),
)
def test_the_range_becomes_0_to_255(values: list[float], low: float, span: float, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("range") / "a.npy"
    np.save(path, np.array(values, np.float32).reshape(-1, 1, 1))
    with ArrayFrames(path, low=low, high=low + span).open() as frames:
        greys = frames.read(range(len(values))).ravel()
    for value, grey in zip(np.array(values, np.float32).tolist(), greys.tolist(), strict=True):
        exact = min(max((value - low) / (low + span - low) * 255, 0), 255)
        assert abs(grey - exact) <= 0.5 + 1e-6


def test_dead_pixels_and_infinities(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", frames=np.array([[[np.nan, -np.inf, np.inf, 20, 30, 25]]], np.float32))
    with ArrayFrames(path, low=20, high=30).open() as frames:
        assert frames.read([0]).ravel().tolist() == [0, 0, 255, 0, 255, 128]


def test_integers_need_a_range_too(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", frames=np.array([[[0, 500, 1000]]], np.uint16))
    assert "uint16, not uint8; give `low` and `high`" in message_of(ArrayFrames(path))
    with ArrayFrames(path, low=0, high=1000).open() as frames:
        assert frames.read([0]).ravel().tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("array", "settings", "message"),
    [
        (np.zeros((3, 4, 5), np.float32), {}, "give `low` and `high`"),
        (np.zeros((3, 4, 5), np.float32), {"low": 1.0}, "go together"),
        (np.zeros((3, 4, 5), np.float32), {"low": 2.0, "high": 2.0}, "must be below"),
        (np.zeros((3, 4), np.uint8), {}, r"must be \(T, H, W\)"),
        (np.zeros((3, 4, 5, 2), np.uint8), {}, r"not shape \(3, 4, 5, 2\)"),
        (np.zeros((3, 0, 5), np.uint8), {}, "must be"),
        (np.zeros((0, 4, 5), np.uint8), {}, "holds no frames"),
        (np.zeros((3, 4, 5), np.complex64), {"low": 0.0, "high": 1.0}, "must be numbers"),
        (np.zeros((3, 4, 5), np.uint8), {"start": 2, "stop": 4}, "holds 3"),
        (np.zeros((3, 4, 5), np.uint8), {"start": 2, "stop": 2}, "no such frames"),
        (np.array([[["a"]]]), {"low": 0.0, "high": 1.0}, "must be numbers"),
        (np.array([[[{}]]]), {}, "Python objects are never loaded"),
    ],
)
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_what_cannot_be_used_says_so(
    name: str, array: NDArray, settings: dict, message: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / name, frames=array)
    with pytest.raises(UnreadableClip, match=message):
        ArrayFrames(path, **settings).open()


def test_missing_torn_and_foreign_files(tmp_path: Path) -> None:
    assert "no such file" in message_of(ArrayFrames(tmp_path / "absent.npy"))
    assert "only clips, label" in message_of(ArrayFrames(saved(tmp_path / "b.npz", clips=GREYS, label=GREYS)))
    for name in ("c.npy", "c.npz"):
        path = saved(tmp_path / name, frames=GREYS)
        path.write_bytes(path.read_bytes()[:300])
        assert "truncated or corrupt" in message_of(ArrayFrames(path))
        path.write_bytes(b"")
        assert "truncated or corrupt" in message_of(ArrayFrames(path))
        path.write_text("no array")
        assert "not a readable array file" in message_of(ArrayFrames(path))
    path = tmp_path / "d.npz"
    np.savez_compressed(path, frames=GREYS)
    data = bytearray(path.read_bytes())
    data[150:200] = bytes(50)
    path.write_bytes(data)
    assert "truncated or corrupt" in message_of(ArrayFrames(path))
    assert "Is a directory" in message_of(ArrayFrames(tmp_path))


def test_one_kind_of_file_under_the_ending_of_the_other(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", frames=np.zeros((2, 3, 4), np.uint8))
    np.save(tmp_path / "b.npy", np.zeros((2, 3, 4), np.uint8))
    for name, wrong, kind in (("a.npz", "a.npy", "npz"), ("b.npy", "b.npz", "npy")):
        (tmp_path / name).rename(tmp_path / wrong)
        with pytest.raises(UnreadableClip, match=rf"{wrong}: is an \.{kind} file by its content"):
            ArrayFrames(tmp_path / wrong).open()


def test_a_rewritten_file_is_read_again(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", frames=GREYS)
    before = ArrayFrames(path).fingerprint()
    ArrayFrames(path).open()
    saved(path, frames=255 - GREYS[:3])
    with ArrayFrames(path).open() as frames:
        np.testing.assert_array_equal(np.stack(list(frames)), 255 - GREYS[:3])
    assert ArrayFrames(path).fingerprint() != before
    prints = {
        ArrayFrames(path, *s).fingerprint()
        for s in [(), (1,), (0, 2), (0, None, 1.0, 2.0), (0, None, 1.0, 3.0)]
    }
    assert len(prints) == 5


def test_npy_files_are_mapped_not_loaded(tmp_path: Path) -> None:
    """100 GB on a disk that has far less: a sparse file."""
    path = tmp_path / "a.npy"
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(100_000, 1000, 1000))
    mapped[99_999, 999, 999] = 7
    del mapped
    with ArrayFrames(path).open() as frames:
        assert len(frames) == 100_000
        assert frames.read([99_999]).max() == 7


def test_the_thermal_recordings(data_root: Path) -> None:
    path = data_root / "grid-eye" / "grid-eye.npz"
    with np.load(path) as arrays:
        values, length = arrays["frames"], arrays["length"]
    start = int(length[:5].sum())
    clip = ArrayFrames(path, start, start + int(length[5]), low=15, high=35)
    with clip.open() as frames:
        assert len(frames) == length[5]
        images = frames.read(range(len(frames)))
    assert images.shape[1:] == (8, 8, 1)
    expected = np.clip((values[start : start + length[5]] - 15) / 20 * 255, 0, 255)
    assert np.abs(images[..., 0] - expected).max() <= 0.5 + 1e-4
    assert "give `low` and `high`" in message_of(ArrayFrames(path))


def test_frames_in_memory() -> None:
    source = MemoryFrames(GREYS)
    with source.open() as frames:
        np.testing.assert_array_equal(frames.read([2, 1]), GREYS[[2, 1]])
        assert frames.fps is None
    assert MemoryFrames(GREYS[..., 0]).open().read([0]).shape == (1, 5, 4, 1)
    same, other = MemoryFrames(GREYS.copy()), MemoryFrames(GREYS[:, ::-1])
    assert source == same and hash(source) == hash(same) and source.fingerprint() == same.fingerprint()
    assert source != other and source.fingerprint() != other.fingerprint()
    assert other.open().read([0])[0, 0, 0, 0] == GREYS[0, -1, 0, 0]  # views that are not contiguous work
    assert MemoryFrames(GREYS.reshape(7, 4, 5, 3)).fingerprint() != source.fingerprint()
    assert pickle.loads(pickle.dumps(source)) == source
    assert "7 frames" in source.name


@pytest.mark.parametrize("array", [GREYS.astype(np.float32), GREYS[0, 0], GREYS[..., :2], GREYS[:0]])
def test_frames_in_memory_must_be_greys(array: NDArray) -> None:
    with pytest.raises(UnreadableClip, match="must be uint8 of shape"):
        MemoryFrames(array)
