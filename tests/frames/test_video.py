"""Videos: frame i is the i-th frame of a plain sequential decode, in every container and way of reading."""

import ctypes
import gc
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from videos import boxes, moving_picture, plain_decode, set_matrix, skip_start, write_video

from farview.errors import UnreadableClip
from farview.frames import video
from farview.frames.arrays import MemoryFrames
from farview.frames.decoder import packet_index
from farview.frames.source import Source
from farview.frames.times import timed
from farview.frames.video import VideoFile

FRAMES = moving_picture(40, 48, 64)
GOP12 = {"bf": "2", "g": "12", "preset": "veryfast"}
X264 = "keyint=12:min-keyint=12:scenecut=0:"
IRREGULAR = np.cumsum(np.random.default_rng(0).integers(1, 9, len(FRAMES))).tolist()

# name: (file name, arguments of write_video, whether packets tell where frames are)
KINDS: dict[str, tuple[str, dict, bool]] = {
    "B-frames, one keyframe": ("v.mp4", {"options": {"bf": "3", "g": "250", "preset": "veryfast"}}, True),
    "B-frames, short GOP": ("v.mp4", {"options": GOP12}, True),
    "open GOP": ("v.mp4", {"options": {"x264-params": X264 + "open-gop=1:bframes=3:b-adapt=0"}}, True),
    "open GOP, mkv": ("v.mkv", {"options": {"x264-params": X264 + "open-gop=1:bframes=3:b-adapt=0"}}, True),
    "intra refresh": ("v.mp4", {"options": {"x264-params": X264 + "intra-refresh=1:bframes=0:ref=4"}}, True),
    "variable rate": ("v.mp4", {"options": GOP12, "times": IRREGULAR}, True),
    "fragments, no duration": (
        "v.mp4",
        {"options": GOP12, "container_options": {"movflags": "frag_keyframe+empty_moov"}},
        True,
    ),
    "vp9": ("v.webm", {"codec": "libvpx-vp9", "options": {"g": "12", "deadline": "realtime"}}, True),
    "vp8, hidden frames": (
        "v.webm",
        {"codec": "libvpx", "options": {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "16"}},
        False,
    ),
    "transport stream": ("v.ts", {"options": GOP12}, False),
    "raw stream, no times": ("v.h264", {"options": GOP12}, False),
    "avi with B-frames": ("v.avi", {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}}, False),
    "motion jpeg, full range": ("v.avi", {"codec": "mjpeg", "pixels": "yuvj420p"}, False),
    "gif": ("v.gif", {"codec": "gif", "pixels": "rgb8"}, False),
}


@pytest.fixture(params=[video.KEEP_BYTES, 0], ids=["fits", "does not fit"])
def keep(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Both ways of reading: all frames kept as decoded, or none."""
    monkeypatch.setattr(video, "KEEP_BYTES", request.param)
    return request.param


def cv2_frames(path: Path) -> NDArray[np.uint8]:
    capture, images = cv2.VideoCapture(str(path)), []
    while (got := capture.read())[0]:
        images.append(got[1][..., ::-1])
    capture.release()
    return np.stack(images)


def check_exact(path: Path, expected: NDArray[np.uint8]) -> None:
    """Iterating, counting, and reading forwards, backwards, sparsely, repeatedly and at random agree."""
    count = len(expected)
    rng = np.random.default_rng(0)
    orders = [
        np.linspace(0, count - 1, 8).astype(int),
        np.arange(count)[::-7],
        np.array([count - 1, 0, count - 1, 5, 5]),
        *rng.integers(0, count, (4, 6)),
    ]
    with VideoFile(path).open() as frames:
        assert len(frames) == count
        for order in orders:
            np.testing.assert_array_equal(frames.read(order), expected[order])
        for image, reference in zip(frames, expected, strict=True):
            np.testing.assert_array_equal(image, reference)
        np.testing.assert_array_equal(frames.read(range(count)), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_frame_i_is_the_ith_of_a_sequential_decode(kind: str, tmp_path: Path, keep: int) -> None:
    name, arguments, indexed = KINDS[kind]
    path = write_video(tmp_path / name, FRAMES, **arguments)
    expected = plain_decode(path)
    assert len(expected) == len(FRAMES)
    assert (packet_index(path) is not None) == indexed
    np.testing.assert_array_equal(cv2_frames(path), expected)
    check_exact(path, expected)


def test_seeking_decodes_less_than_reading_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "v.mp4", moving_picture(120, 48, 64), options=GOP12)
    expected = plain_decode(path)
    monkeypatch.setattr(video, "KEEP_BYTES", 0)
    with VideoFile(path).open() as frames:
        len(frames)
        decoded = 0
        original = video.Decoder.__next__

        def counting(self: video.Decoder) -> av.VideoFrame:
            nonlocal decoded
            decoded += 1
            return original(self)

        monkeypatch.setattr(video.Decoder, "__next__", counting)
        np.testing.assert_array_equal(frames.read([110, 115, 60]), expected[[110, 115, 60]])
        assert 3 <= decoded <= 3 * 20


def test_edit_list_that_drops_the_first_frames(tmp_path: Path, keep: int) -> None:
    path = write_video(tmp_path / "v.mp4", FRAMES, options={"bf": "0", "g": "250"})
    with av.open(str(path)) as container:
        ticks = 7 * container.streams.video[0].time_base.denominator // 25
    whole = plain_decode(path)
    skip_start(path, ticks)
    expected = plain_decode(path)
    np.testing.assert_array_equal(expected, whole[7:])
    check_exact(path, expected)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({"codec": "mpeg4"}, (17, 33)),
        ({"codec": "mjpeg", "pixels": "yuvj420p"}, (35, 19)),
        ({"codec": "ffv1", "pixels": "yuv444p"}, (13, 7)),
        ({"codec": "ffv1", "pixels": "yuv420p10le"}, (12, 16)),
        ({"codec": "libx264"}, (12, 16)),
    ],
)
def test_odd_sizes_and_pixel_formats(
    arguments: dict, size: tuple[int, int], tmp_path: Path, keep: int
) -> None:
    frames = moving_picture(9, *size)
    path = write_video(tmp_path / "v.mkv", frames, **arguments)
    expected = plain_decode(path)
    assert expected.shape == frames.shape
    assert np.abs(expected.astype(int) - frames).mean() < 25
    check_exact(path, expected)


@pytest.mark.parametrize(("codec", "pixels"), [("ffv1", "gray"), ("libx264", "gray"), ("ffv1", "gray10le")])
def test_grey_videos_give_three_equal_channels(codec: str, pixels: str, tmp_path: Path) -> None:
    frames = moving_picture(5, 24, 32)[..., 0]
    path = write_video(
        tmp_path / "v.mkv", frames, codec, pixels, options={"qp": "0"} if codec == "libx264" else {}
    )
    with VideoFile(path).open() as read:
        images = read.read(range(len(read)))
    assert images.shape == (5, 24, 32, 3)
    assert (images == images[..., :1]).all()
    assert (
        np.abs(images[..., 0].astype(int) - frames).max() <= 1
        if pixels == "gray" and codec == "ffv1"
        else True
    )
    assert np.abs(images[..., 0].astype(int) - frames).mean() < 20  # H.264 grey is of limited range


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_videos_come_out_upright(rotation: int, tmp_path: Path, keep: int) -> None:
    upright = moving_picture(5, 24, 40)
    coded = [np.ascontiguousarray(np.rot90(image, -rotation // 90)) for image in upright]
    path = write_video(tmp_path / "v.mp4", coded, options={"crf": "5"}, rotation=rotation)
    with VideoFile(path).open() as frames:
        assert frames.read([]).shape == (0, 24, 40, 3)
        images = frames.read([0, 3])
        assert next(iter(frames)).flags.c_contiguous
        np.testing.assert_array_equal(images[1], list(frames)[3])
    assert np.abs(images.astype(int) - upright[[0, 3]]).mean() < 20
    np.testing.assert_array_equal(images, cv2_frames(path)[[0, 3]])  # OpenCV turns frames too


@pytest.mark.parametrize(
    ("matrix", "show"),
    [
        ((1, 0, 0, 1), lambda image: image),
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),  # clockwise, as phones held upright write it
        ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
        ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),  # a front camera's mirror image
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda image: np.rot90(image.transpose(1, 0, 2), 2)),
    ],
)
def test_display_matrix_written_by_hand(
    matrix: tuple[int, int, int, int], show: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], tmp_path: Path
) -> None:
    path = write_video(tmp_path / "v.mp4", moving_picture(3, 24, 40))
    stored = plain_decode(path)
    set_matrix(path, *matrix)
    with VideoFile(path).open() as frames:
        np.testing.assert_array_equal(frames.read([2])[0], show(stored[2]))


@pytest.mark.parametrize("claim", [0, 1, 0x7FFFFFFF])
def test_wrong_durations(claim: int, tmp_path: Path, keep: int) -> None:
    path = write_video(tmp_path / "v.mp4", FRAMES, options=GOP12)
    expected = plain_decode(path)
    data = bytearray(path.read_bytes())
    for name, offset in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        for place in boxes(bytes(data), name):
            struct.pack_into(">I", data, place + offset, claim)
    path.write_bytes(data)
    np.testing.assert_array_equal(plain_decode(path), expected)
    check_exact(path, expected)


def test_wrong_frame_counts_in_avi(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.avi", FRAMES, "mpeg4")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"avih") + 8 + 16, 9999)  # dwTotalFrames
    struct.pack_into("<I", data, data.find(b"strh") + 8 + 32, 9999)  # dwLength
    path.write_bytes(data)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 9999
    check_exact(path, plain_decode(path))


def test_size_that_changes_in_mid_stream_is_scaled_to_the_first(tmp_path: Path) -> None:
    one = write_video(tmp_path / "a.h264", moving_picture(8, 48, 64))
    two = write_video(tmp_path / "b.h264", moving_picture(8, 96, 128))
    path = tmp_path / "v.h264"
    path.write_bytes(one.read_bytes() + two.read_bytes())
    with VideoFile(path).open() as frames:
        images = list(frames)
        assert len(images) == len(frames) == 16
        assert {image.shape for image in images} == {(48, 64, 3)}


def test_odd_metadata(tmp_path: Path) -> None:
    """A title that is no UTF-8, and a name that looks like an address and an option."""
    path = tmp_path / "-i http:[x]%03d! é.avi"
    with av.open("file:" + str(path), "w") as container:
        container.metadata["title"] = "TITLE"
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = 48, 64
        for image in FRAMES[:5]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert b"TITLE" in data
    path.write_bytes(data.replace(b"TITLE", b"\xa8\xff\xfe\x80."))
    with VideoFile(path).open() as frames:
        assert len(frames) == 5
    os.chdir(tmp_path)
    with VideoFile(Path(path.name)).open() as frames:
        assert len(frames) == 5


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("v.mkv", {"options": GOP12}),
        ("v.ts", {"options": GOP12}),
        ("v.avi", {"codec": "mpeg4", "options": {"bf": "2", "b": "4000000"}}),
        ("v.mp4", {"options": GOP12, "container_options": {"movflags": "faststart"}}),
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_truncated_files_give_the_frames_that_decode(
    name: str, arguments: dict, share: float, tmp_path: Path, keep: int
) -> None:
    path = write_video(tmp_path / name, FRAMES, **arguments)
    whole = plain_decode(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    expected = plain_decode(path)
    assert 0 < len(expected) < len(FRAMES)
    check_exact(path, expected)
    with VideoFile(path).open() as frames:  # all but what is torn at the end is as it was
        np.testing.assert_array_equal(frames.read(range(len(frames) - 5)), whole[: len(frames) - 5])


@pytest.mark.parametrize(("name", "codec"), [("v.mp4", "libx264"), ("v.avi", "mpeg4"), ("v.mkv", "libx264")])
def test_streams_corrupt_in_the_middle(name: str, codec: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / name, FRAMES, codec, options={"bf": "0", "g": "10"})
    whole = plain_decode(path)
    data = bytearray(path.read_bytes())
    middle = len(data) * 2 // 5
    data[middle : middle + 600] = np.random.default_rng(1).integers(0, 256, 600, np.uint8).tobytes()
    path.write_bytes(data)
    count = len(plain_decode(path))
    with VideoFile(path).open() as frames:
        assert 20 < len(frames) == count <= len(FRAMES)
        images = frames.read(range(count))
        np.testing.assert_array_equal(images, np.stack(list(frames)))
    np.testing.assert_array_equal(images[0], whole[0])
    np.testing.assert_array_equal(images[-1], whole[-1])


def test_corruption_found_while_seeking_is_counted_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A video that does not fit: packets promise frames that do not decode."""
    path = write_video(tmp_path / "v.mkv", FRAMES, "mjpeg", "yuvj420p")
    data = bytearray(path.read_bytes())
    starts = [n for n in range(len(data)) if data[n : n + 3] == b"\xff\xd8\xff"]
    assert len(starts) == len(FRAMES)
    for start in starts[20:25]:
        data[start : start + 200] = bytes(200)
    path.write_bytes(data)
    expected = plain_decode(path)
    assert len(expected) == 35
    monkeypatch.setattr(video, "KEEP_BYTES", 0)
    with VideoFile(path).open() as frames:
        assert len(frames) == 40
        np.testing.assert_array_equal(frames.read([3, 10]), expected[[3, 10]])
        np.testing.assert_array_equal(frames.read([22]), expected[[22]])
        assert len(frames) == 35
        np.testing.assert_array_equal(frames.read([34, 0]), expected[[34, 0]])
    with (
        VideoFile(path).open() as frames,
        pytest.raises(UnreadableClip, match="only 35 frames can be decoded"),
    ):
        frames.read([22, 38])


def unreadable(source: Source) -> str:
    with pytest.raises(UnreadableClip) as caught:
        source.open()
    message = str(caught.value)
    assert message.startswith(source.name) and "\n" not in message
    return message


def test_reasons_for_unreadable_files(tmp_path: Path) -> None:
    assert "no such file" in unreadable(VideoFile(tmp_path / "absent.mp4"))
    assert "is a folder" in unreadable(VideoFile(tmp_path))
    (empty := tmp_path / "empty.mp4").touch()
    assert "empty (0 bytes)" in unreadable(VideoFile(empty))
    for name in ("text.mp4", "text.txt", "text.avi"):
        (text := tmp_path / name).write_text("this is no video\n" * 100)
        assert "text, not a video" in (message := unreadable(VideoFile(text))) or "is it a video?" in message
    whole = write_video(tmp_path / "whole.mp4", FRAMES)
    (cut := tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "cut off" in unreadable(VideoFile(cut))


def test_playlists_do_not_reach_out(tmp_path: Path) -> None:
    (playlist := tmp_path / "v.m3u8").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/v.ts\n#EXT-X-ENDLIST\n"
    )
    unreadable(VideoFile(playlist))


def test_sound_without_pictures(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "no video stream, only sound" in unreadable(VideoFile(path))


def test_a_stream_without_frames_and_one_that_is_all_noise(tmp_path: Path) -> None:
    path = tmp_path / "none.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    assert "none of its frames" in (message := unreadable(VideoFile(path))) or "cannot be opened" in message

    path = write_video(tmp_path / "noise.mp4", FRAMES, container_options={"movflags": "faststart"})
    data = path.read_bytes()
    start = data.find(b"mdat") + 4
    noise = np.random.default_rng(0).integers(0, 256, len(data) - start, np.uint8).tobytes()
    path.write_bytes(data[:start] + noise)
    assert "none of its frames can be decoded" in unreadable(VideoFile(path))


def test_indices_are_checked(tmp_path: Path, keep: int) -> None:
    path = write_video(tmp_path / "v.mp4", FRAMES)
    with VideoFile(path).open() as frames:
        for wrong in (-1, len(FRAMES)):
            with pytest.raises(IndexError, match=f"{wrong} is outside 0..{len(FRAMES) - 1}"):
                frames.read([0, wrong])
        assert frames.read([]).shape == (0, 48, 64, 3)
        assert frames.fps == 25
    with pytest.raises(ValueError, match="closed"):
        frames.read([0])


def test_fingerprint_follows_the_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", FRAMES[:5])
    before = VideoFile(path).fingerprint()
    assert before == VideoFile(path).fingerprint()
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert VideoFile(path).fingerprint() != before
    with pytest.raises(UnreadableClip, match="no such file"):
        VideoFile(tmp_path / "absent").fingerprint()


def memory_and_files() -> tuple[int, int]:
    """Bytes really in use (the allocator's free pages given back) and open file descriptors of this process."""
    gc.collect()
    if hasattr(allocator := ctypes.CDLL(None), "malloc_trim"):
        allocator.malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "reads", [500, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_memory_and_descriptors_stay_flat(
    reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened, read, iterated in part, abandoned, failing: leaking one frame a read would be 35 MiB in 500."""
    path = write_video(tmp_path / "v.mp4", moving_picture(3, 192, 256), options={"preset": "ultrafast"})
    shutil.copy(path, cut := tmp_path / "cut.mp4")
    os.truncate(cut, path.stat().st_size // 2)
    rng = np.random.default_rng(0)

    def work(times: int) -> None:
        for n in range(times):
            monkeypatch.setattr(video, "KEEP_BYTES", (n % 2) << 28)
            with VideoFile(path).open() as frames:
                frames.read(rng.integers(0, 3, 2))
                if n % 10 == 0:
                    next(iter(frames))
            if n % 10 == 0:
                abandoned = VideoFile(path).open()
                abandoned.read([1])
                with pytest.raises(UnreadableClip):
                    VideoFile(cut).open()

    work(60)
    memory, files = memory_and_files()
    work(reads)
    memory_after, files_after = memory_and_files()
    assert files_after == files
    assert memory_after - memory < 20 << 20


def test_real_recordings_are_exact(data_root: Path, keep: int) -> None:
    """UCF101 (avi, unordered times), HMDB51 (header counts one too many), Kinetics and fight clips (mp4)."""
    paths = [
        sorted((data_root / "clips" / "ucf101").glob("*/*.avi"))[0],
        sorted((data_root / "clips" / "hmdb51").glob("*/*.avi"))[0],
        sorted((data_root / "clips" / "kinetics").glob("*.mp4"))[0],
        sorted((data_root / "fights").glob("*/*.mp4"))[0],
    ]
    for path in paths:
        expected = cv2_frames(path)
        rng = np.random.default_rng(0)
        with VideoFile(path).open() as frames:
            assert len(frames) == len(expected)
            for order in (
                np.linspace(0, len(expected) - 1, 8).astype(int),
                rng.integers(0, len(expected), 5),
            ):
                np.testing.assert_array_equal(frames.read(order), expected[order])


def test_times_of_frames(tmp_path: Path) -> None:
    """A file's own times, from its first frame on; an array's from a rate."""
    frames = moving_picture(5, 24, 32)
    times = [25, 26, 30, 31, 60]
    path = write_video(tmp_path / "a.mkv", frames, "ffv1", "bgr0", times=times)
    with VideoFile(path).open() as opened:
        found = list(timed(opened, 99.0))
    np.testing.assert_allclose([seconds for seconds, _ in found], [0, 0.04, 0.2, 0.24, 1.4], atol=1e-3)
    np.testing.assert_array_equal([image for _, image in found], frames)
    with MemoryFrames(frames).open() as opened:
        assert [seconds for seconds, _ in timed(opened, 50.0)] == [0, 0.02, 0.04, 0.06, 0.08]
