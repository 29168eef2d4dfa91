"""What a path is read as."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from videos import moving_picture, write_video

from farview.errors import UnreadableClip
from farview.frames.arrays import ArrayFrames
from farview.frames.depth import DepthFile
from farview.frames.images import ImageFolder
from farview.frames.open import source_of
from farview.frames.video import VideoFile


def test_each_kind_opens(tmp_path: Path) -> None:
    frames = moving_picture(3, 24, 32)
    (folder := tmp_path / "images.mp4").mkdir()
    for n, image in enumerate(frames):
        Image.fromarray(image).save(folder / f"{n}.png")
    np.save(tmp_path / "a.npy", frames)
    np.savez(tmp_path / "a.NPZ", frames=frames)
    (tmp_path / "a.NPZ.npz").rename(tmp_path / "a.NPZ")
    savemat(tmp_path / "a.mat", {"depth": frames[..., 0].transpose(1, 2, 0).astype(np.uint16)})
    write_video(tmp_path / "a.mkv", frames)
    (tmp_path / "a.mkv").rename(tmp_path / "video.without-its-suffix")
    kinds = {
        "images.mp4": ImageFolder,
        "a.npy": ArrayFrames,
        "a.NPZ": ArrayFrames,
        "a.mat": DepthFile,
        "video.without-its-suffix": VideoFile,
    }
    for name, kind in kinds.items():
        source = source_of(str(tmp_path / name))
        assert type(source) is kind and source.name == str(tmp_path / name)
        with source.open() as opened:
            assert len(opened) == 3


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableClip, match=r"absent\.mp4: no such file or folder"):
        source_of(tmp_path / "absent.mp4")
    (tmp_path / "text.txt").touch()
    with pytest.raises(UnreadableClip, match="folder without images"):
        source_of(tmp_path)
