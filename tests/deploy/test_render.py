"""`farview render`: another decoder finds the recording's frames, enlarged, at their times."""

import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from farview.cli import main
from farview.deploy.render import render
from farview.errors import FarviewError, UnreadableClip
from farview.frames.recorder import Origin, Recorder
from farview.frames.sensor import SensorModel
from farview.frames.source import Images

TIMES = [0.0, 0.04, 0.2, 0.24, 3.5]


def recording(path: Path, channels: int = 3, height: int = 12, width: int = 16) -> Images:
    """Frames of smooth colour, which chroma at half resolution and the codec hardly change."""
    rng = np.random.default_rng(0)
    frames = rng.integers(40, 216, (len(TIMES), height, width, channels), np.uint8)
    frames = np.stack([cv2.blur(f, (5, 5)).reshape(height, width, channels) for f in frames])
    origin = Origin(SensorModel(height, width), 240, 320, 25.0)
    with path.open("wb", buffering=0) as file, Recorder(file, origin, channels) as recorder:
        for seconds, frame in zip(TIMES, frames, strict=True):
            recorder.add(frame, seconds)
    return frames


@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_show_the_pixels_at_their_times(tmp_path: Path, channels: int) -> None:
    frames = recording(tmp_path / "a.mkv", channels)
    main(["render", str(tmp_path / "a.mkv"), str(tmp_path / "a.mp4"), "--height", "240"])
    capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    for frame in frames:
        read, image = capture.read()
        assert read and image.shape == (240, 320, 3)
        centres = image[10::20, 10::20, ::-1].astype(int)  # of each block of 20x20
        assert np.abs(centres - frame).mean() < 3
        corners = image[2::20, 2::20, ::-1].astype(int)
        assert np.abs(corners - frame).mean() < 8  # not smoothed
    assert not capture.read()[0]
    with av.open(str(tmp_path / "a.mp4")) as film:
        codec = film.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt) == ("h264", "yuv420p")
        times = [frame.time for frame in film.decode(video=0)]
    np.testing.assert_allclose(times, TIMES, atol=1.1e-3)


def test_bilinear_is_smooth(tmp_path: Path) -> None:
    frames = recording(tmp_path / "a.mkv", 1)
    render(tmp_path / "a.mkv", tmp_path / "a.mp4", "bilinear", 240)
    capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    image = capture.read()[1][..., 0].astype(float)
    between = image[10::20, 20:-10:20]  # on the edge of two pixels
    pixels = frames[0, ..., 0].astype(float)
    np.testing.assert_allclose(between[:, :15], (pixels[:, 1:] + pixels[:, :-1]) / 2, atol=6)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (31, 50)])
def test_any_shape_has_even_sides(tmp_path: Path, shape: tuple[int, int]) -> None:
    recording(tmp_path / "a.mkv", 3, *shape)
    assert render(tmp_path / "a.mkv", tmp_path / "a.mp4", height=101) == len(TIMES)
    with av.open(str(tmp_path / "a.mp4")) as film:
        height, width = film.streams.video[0].height, film.streams.video[0].width
    assert (height % 2, width % 2) == (0, 0) and abs(height - 101) <= 1
    assert abs(width - 101 * shape[1] / shape[0]) <= 1


def test_errors_name_what_is_wrong(tmp_path: Path) -> None:
    recording(tmp_path / "a.mkv")
    with pytest.raises(FarviewError, match=r"name it .*a\.mp4"):
        render(tmp_path / "a.mkv", tmp_path / "a.avi")
    with pytest.raises(FarviewError, match="--height: 0"):
        render(tmp_path / "a.mkv", tmp_path / "a.mp4", height=0)
    with pytest.raises(FarviewError, match="--rate: nan"):
        render(tmp_path / "a.mkv", tmp_path / "a.mp4", rate=float("nan"))
    (tmp_path / "there.mp4").write_bytes(b"the original")
    with pytest.raises(FarviewError, match=r"there\.mp4: is there already"):
        render(tmp_path / "a.mkv", tmp_path / "there.mp4")
    assert (tmp_path / "there.mp4").read_bytes() == b"the original"
    (tmp_path / "b.mkv").write_bytes(b"nothing")
    with pytest.raises(UnreadableClip, match=r"b\.mkv"):
        render(tmp_path / "b.mkv", tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """A limit on the size of files fails writes as a full disk does."""
    recording(tmp_path / "a.mkv")
    code = (
        "import resource, sys; from farview.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "render", str(tmp_path / "a.mkv"), str(tmp_path / "a.mp4")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and result.stderr.count("\n") == 1, result.stderr
    assert "a.mp4: cannot be written: no space" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["a.mkv"]
