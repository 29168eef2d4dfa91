"""Clips of `mime`: valid frames, decided by their numbers alone, disjoint parts, balanced classes."""

import hashlib
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from farview.data.mime import ACTIONS, CLIPS, MimeClip, mime
from farview.data.mime import clip as clip_module
from farview.data.mime.clip import LENGTHS
from farview.errors import FarviewError

DIGEST = """
import hashlib
from farview.data.mime import MimeClip
with MimeClip(3, "val", 17).open() as frames:
    print(hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest())
"""


def test_another_process_draws_the_same_bytes() -> None:
    with MimeClip(3, "val", 17).open() as frames:
        here = hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()
    there = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


def test_frames_do_not_depend_on_the_order_of_reading() -> None:
    with MimeClip(0, "train", 5).open() as frames:
        whole = np.stack(list(frames))
    with MimeClip(0, "train", 5).open() as frames:
        order = [len(frames) - 1, 0, 7, 7]
        np.testing.assert_array_equal(frames.read(order), whole[order])


@pytest.mark.parametrize("index", range(len(ACTIONS)))
def test_frames_are_pictures_that_move(index: int) -> None:
    with MimeClip(1, "train", index).open() as frames:
        assert LENGTHS[0] <= len(frames) <= LENGTHS[1]
        pictures = frames.read(range(len(frames)))
    assert pictures.shape[1:] == (96, 128, 3)
    assert pictures.dtype == np.uint8
    assert pictures.std(axis=(1, 2, 3)).min() > 5.0  # no blank frame
    assert np.abs(np.diff(pictures.astype(np.int64), axis=0)).mean(axis=(1, 2, 3)).min() > 0.0


@pytest.mark.parametrize("index", [-1, 48, 1000])
def test_a_frame_beyond_the_end_is_an_index_error(index: int) -> None:
    with MimeClip(0, "train", 0).open() as frames, pytest.raises(IndexError, match="mime:0/train/0000"):
        frames.read([0, index])


def test_no_frames_is_an_empty_array() -> None:
    with MimeClip(0, "train", 0).open() as frames:
        assert frames.read([]).shape == (0, 96, 128, 3)


def test_seed_part_and_index_all_change_the_clip() -> None:
    clips = [
        MimeClip(0, "train", 0),
        MimeClip(1, "train", 0),
        MimeClip(0, "val", 0),
        MimeClip(0, "train", 12),
    ]
    first = [clip.open().read([0]).tobytes() for clip in clips]
    assert len(set(first)) == len(clips)
    assert len({clip.fingerprint() for clip in clips}) == len(clips)


def test_the_version_is_in_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = MimeClip(0, "train", 0).fingerprint()
    monkeypatch.setattr(clip_module, "VERSION", clip_module.VERSION + 1)
    assert MimeClip(0, "train", 0).fingerprint() != before


def test_parts_have_other_people_and_scenes() -> None:
    people = {part: {MimeClip(0, part, index * 12).person() for index in range(12)} for part in CLIPS}
    assert all(len(group) == 12 for group in people.values())
    assert len(set.union(*people.values())) == 36
    scenes = [MimeClip(0, part, index).stage()[1].scene.tobytes() for part in CLIPS for index in range(6)]
    assert len(set(scenes)) == len(scenes)


def test_a_person_looks_the_same_in_all_clips_of_the_group() -> None:
    assert len({MimeClip(0, "val", index).person() for index in range(12)}) == 1
    assert len({MimeClip(0, "val", index).group for index in range(12)}) == 1
    assert MimeClip(0, "val", 11).person() != MimeClip(0, "val", 12).person()


def test_data_set_is_balanced_and_divides_nobody() -> None:
    data = mime("")
    assert {part: len(data.part(part)) for part in CLIPS} == CLIPS
    assert len({clip.id for clip in data.clips}) == len(data.clips)
    assert len({clip.source.fingerprint() for clip in data.clips}) == len(data.clips)
    groups: dict[str, set[str]] = {}
    for part in CLIPS:
        labels = Counter(clip.label for clip in data.part(part))
        assert set(labels) == set(range(len(data.classes)))
        assert len(set(labels.values())) == 1
        for clip in data.part(part):
            groups.setdefault(str(clip.group), set()).add(part)
    assert all(len(parts) == 1 for parts in groups.values())
    assert len(data.classes) >= 8


def test_seed_in_the_name() -> None:
    assert mime("").clips == mime("0").clips
    assert mime("3").name == "mime:3"
    assert mime("3").clips[0].source == MimeClip(3, "train", 0)


@pytest.mark.parametrize("root", ["-1", "two", "1.5", "/data/mime", "²"])
def test_a_seed_that_is_none(root: str) -> None:
    with pytest.raises(FarviewError, match="expected a seed"):
        mime(root)


def test_frozen_pictures_change_only_with_the_version() -> None:
    """Figures in the documentation hold for these pictures; another OpenCV may differ by a rounding or two."""
    assert clip_module.VERSION == 2
    expected = {
        MimeClip(0, "train", 3): [
            [105, 107.7, 102.7, 93],
            [109.3, 108.3, 107.7, 101.7],
            [91, 91.7, 89, 83.7],
        ],
        MimeClip(5, "val", 20): [[146.3, 137, 128, 116.7], [118, 97.3, 104.3, 93.3], [101, 95.7, 89.3, 80]],
    }
    for clip, coarse in expected.items():
        with clip.open() as frames:
            blocks = frames.read([10])[0].reshape(3, 32, 4, 32, 3).mean(axis=(1, 3, 4))
        np.testing.assert_allclose(blocks, coarse, atol=1.5)
