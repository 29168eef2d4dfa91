"""Depth recordings: the grey rule, the box, the distance."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from farview.errors import UnreadableClip
from farview.frames.depth import DepthFile, cut, depth_to_grey, person_box, set_in_canvas


def clip(count: int = 6, height: int = 60, width: int = 80) -> np.ndarray:
    """A slab that walks, (T, H, W) uint16; depth 400 on top to 500 below."""
    depth = np.zeros((count, height, width), np.uint16)
    for n in range(count):
        depth[n, 10:40, 20 + n : 32 + n] = np.linspace(400, 500, 30).astype(np.uint16)[:, None]
    return depth


def saved(path: Path, depth: np.ndarray) -> Path:
    savemat(path, {"depth": depth.transpose(1, 2, 0)}, do_compression=True)
    return path


def test_nearer_is_brighter_and_background_is_black() -> None:
    depth = clip()
    grey = depth_to_grey(depth)
    assert grey.dtype == np.uint8 and grey.shape == depth.shape
    assert (grey[depth == 0] == 0).all()
    assert grey[depth > 0].min() == 64 and grey[depth > 0].max() == 255
    column = grey[0, 10:40, 25].astype(int)
    assert (np.diff(column) <= 0).all() and column[0] == 255 and column[-1] == 64
    assert abs(column[15] - (64 + 191 * (500 - depth[0, 25, 25]) / 100)) <= 5


def test_wild_pixels_do_not_squeeze_the_scale_and_still_parts_do_not_flicker() -> None:
    depth = clip()
    wild = depth.copy()
    wild[3, 12, 25], wild[3, 13, 25] = 4000, 1
    before, after = depth_to_grey(depth).astype(int), depth_to_grey(wild).astype(int)
    assert np.abs(before - after)[[0, 1, 2, 4, 5]].max() <= 4
    assert after[3, 12, 25] == 64 and after[3, 13, 25] == 255
    nearer = depth.copy()
    nearer[4:, 20:26, 34:40] = 300  # an arm comes forward in two frames
    grey = depth_to_grey(nearer)
    np.testing.assert_array_equal(grey[0, 10:40, 20:32], grey[1, 10:40, 21:33])
    np.testing.assert_array_equal(grey[0, 30:40, 20:32], grey[5, 30:40, 25:37])


def test_flat_and_empty_clips() -> None:
    assert depth_to_grey(np.zeros((2, 3, 4), np.uint16)).max() == 0
    flat = np.zeros((2, 3, 4), np.uint16)
    flat[:, 1] = 500
    assert set(np.unique(depth_to_grey(flat))) == {0, 64}


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 60), st.integers(1, 80)),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_the_box_is_4_to_3_and_holds_the_person(shape: tuple[int, int], corners: tuple[float, ...]) -> None:
    height, width = shape
    rows = sorted(int(c * (height - 1)) for c in corners[:2])
    columns = sorted(int(c * (width - 1)) for c in corners[2:])
    foreground = np.zeros((2, height, width), bool)
    foreground[0, rows[0], columns[0]] = foreground[1, rows[1], columns[1]] = True
    top, left, h, w = person_box(foreground)
    assert 3 * w == 4 * h
    assert top <= rows[0] and rows[1] < top + h and left <= columns[0] and columns[1] < left + w
    person = rows[1] - rows[0] + 1, columns[1] - columns[0] + 1
    assert h >= 1.1 * person[0] - 1e-9 and w >= 1.1 * person[1] - 1e-9
    assert h < 1.1 * person[0] + 3.001 or w < 1.1 * person[1] + 4.001  # no larger than it must be
    assert abs((2 * top + h) - (rows[0] + rows[1] + 1)) <= 1 and abs((2 * left + w) - sum(columns) - 1) <= 1


def test_cutting_beyond_the_frame_gives_black() -> None:
    frames = np.arange(1, 13, dtype=np.uint8).reshape(1, 3, 4)
    padded = np.pad(frames, ((0, 0), (5, 5), (6, 6)))
    for top, left in [(-2, -3), (1, 1), (0, 0), (-5, 2), (2, 3)]:
        np.testing.assert_array_equal(
            cut(frames, top, left, 4, 5), padded[:, top + 5 : top + 9, left + 6 : left + 11]
        )


def test_distance_sets_the_frame_into_a_larger_canvas() -> None:
    frames = np.random.default_rng(0).integers(1, 256, (2, 6, 8), np.uint8)
    places = set()
    for n in range(40):
        canvas = set_in_canvas(frames, 3, f"a{n}.mat")
        assert canvas.shape == (2, 18, 24)
        rows, columns = np.flatnonzero(canvas[0].any(1)), np.flatnonzero(canvas[0].any(0))
        window = canvas[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        np.testing.assert_array_equal(window, frames)
        assert np.count_nonzero(canvas) == frames.size
        places.add((rows[0], columns[0]))
        np.testing.assert_array_equal(canvas, set_in_canvas(frames, 3, f"a{n}.mat"))
    tops, lefts = zip(*places, strict=True)
    assert len(places) > 25 and min(tops) <= 2 and max(tops) >= 10 and min(lefts) <= 3 and max(lefts) >= 13


def test_the_source(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mat", clip())
    with DepthFile(path).open() as frames:
        assert len(frames) == 6
        np.testing.assert_array_equal(frames.read([5, 0])[..., 0], depth_to_grey(clip())[[5, 0]])
    with DepthFile(path, box=True).open() as frames:
        assert frames.read([0]).shape == (1, 33, 44, 1)
    with DepthFile(path, box=True, distance=2).open() as frames:
        assert frames.read([0]).shape == (1, 66, 88, 1)
    with DepthFile(path, distance=2).open() as frames:
        assert frames.read([0]).shape == (1, 120, 160, 1)
    prints = {DepthFile(path, *s).fingerprint() for s in [(), (True,), (False, 2), (True, 2)]}
    assert len(prints) == 4
    one = saved(tmp_path / "one.mat", clip(1))
    with DepthFile(one).open() as frames:
        assert len(frames) == 1


def message_of(source: DepthFile) -> str:
    with pytest.raises(UnreadableClip) as caught:
        source.open()
    assert "\n" not in str(caught.value) and str(caught.value).startswith(str(source.path))
    return str(caught.value)


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    assert "no such file" in message_of(DepthFile(tmp_path / "absent.mat"))
    savemat(tmp_path / "other.mat", {"skeleton": np.zeros(3)})
    assert "holds no `depth`" in message_of(DepthFile(tmp_path / "other.mat"))
    savemat(tmp_path / "float.mat", {"depth": np.zeros((3, 4, 5))})
    assert "float64" in message_of(DepthFile(tmp_path / "float.mat"))
    (tmp_path / "text.mat").write_text("no matlab file, but long enough to hold what would be a header\n" * 9)
    assert "cannot be read" in message_of(DepthFile(tmp_path / "text.mat"))
    (tmp_path / "empty.mat").touch()
    assert "cannot be read" in message_of(DepthFile(tmp_path / "empty.mat"))
    path = saved(
        tmp_path / "cut.mat", np.random.default_rng(0).integers(1, 999, (5, 60, 80)).astype(np.uint16)
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cannot be read" in message_of(DepthFile(path))
    assert "`distance` must be 1 or more" in message_of(DepthFile(path, distance=0))


def test_real_recordings(data_root: Path) -> None:
    folder = data_root / "msr-action3d"
    for path in sorted(folder.glob("*.mat"))[::280]:
        with DepthFile(path).open() as whole, DepthFile(path, box=True).open() as boxed:
            images, box = np.stack(list(whole)), np.stack(list(boxed))
        assert images.shape[1:] == (240, 320, 1) and 13 <= len(images) <= 76
        seen = images[images > 0]
        assert seen.min() == 64 and seen.max() == 255 and 0.03 < len(seen) / images.size < 0.2
        assert box.shape[1] * 4 == box.shape[2] * 3
        assert np.count_nonzero(box) == len(seen)  # all of the person is in the box
        brightness = [image[image > 0].mean() for image in images]
        assert np.abs(np.diff(brightness)).max() < 15
