"""Folders of images."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from farview.errors import UnreadableClip
from farview.frames.images import ImageFolder

PICTURE = np.random.default_rng(0).integers(0, 256, (12, 18, 3), np.uint8)


def save(path: Path, image: NDArray, **options: object) -> Path:
    Image.fromarray(image).save(path, **options)
    return path


def message_of(folder: Path) -> str:
    with pytest.raises(UnreadableClip) as caught, ImageFolder(folder).open() as frames:
        list(frames)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_natural_order_and_only_images(tmp_path: Path) -> None:
    for n in (10, 2, 1, 0, 100):
        save(tmp_path / f"img{n}.png", np.full_like(PICTURE, n))
    save(tmp_path / ".hidden.png", PICTURE)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "more.png").mkdir()
    with ImageFolder(tmp_path).open() as frames:
        assert len(frames) == 5
        assert [int(image[0, 0, 0]) for image in frames] == [0, 1, 2, 10, 100]
        assert frames.read([4, 0, 4])[:, 0, 0, 0].tolist() == [100, 0, 100]
        assert frames.read([]).shape == (0, 12, 18, 3)
        with pytest.raises(IndexError):
            frames.read([5])


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm", ".tif", ".TIFF", ".jpg", ".JPEG", ".webp"])
def test_formats_agree_with_opencv(suffix: str, tmp_path: Path) -> None:
    path = save(tmp_path / f"a{suffix}", PICTURE)
    with ImageFolder(tmp_path).open() as frames:
        image = frames.read([0])[0]
    expected = cv2.imread(str(path))[..., ::-1]
    assert np.abs(image.astype(int) - expected).max() <= (2 if suffix in (".jpg", ".JPEG", ".webp") else 0)
    if suffix in (".png", ".bmp", ".ppm", ".tif", ".TIFF"):
        np.testing.assert_array_equal(image, PICTURE)


def test_grey_if_all_are(tmp_path: Path) -> None:
    save(tmp_path / "1.png", PICTURE[..., 0])
    save(tmp_path / "2.pgm", PICTURE[..., 1])
    save(tmp_path / "3.png", PICTURE[..., 2] > 127)
    with ImageFolder(tmp_path).open() as frames:
        images = np.stack(list(frames))
    assert images.shape == (3, 12, 18, 1)
    np.testing.assert_array_equal(images[0, ..., 0], PICTURE[..., 0])
    np.testing.assert_array_equal(images[2, ..., 0], (PICTURE[..., 2] > 127) * 255)
    save(tmp_path / "4.png", PICTURE)
    with ImageFolder(tmp_path).open() as frames:
        images = np.stack(list(frames))
    assert images.shape == (4, 12, 18, 3)
    np.testing.assert_array_equal(images[0], np.repeat(PICTURE[..., :1], 3, axis=2))
    np.testing.assert_array_equal(images[3], PICTURE)


def test_transparency_and_palettes(tmp_path: Path) -> None:
    alpha = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 9, np.uint8)])
    save(tmp_path / "1.png", alpha)
    Image.fromarray(np.full((12, 18, 3), (200, 10, 60), np.uint8)).quantize(4).save(tmp_path / "2.png")
    with ImageFolder(tmp_path).open() as frames:
        images = np.stack(list(frames))
    np.testing.assert_array_equal(images[0], PICTURE)
    assert images[1, 3, 3].tolist() == [200, 10, 60]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_by_the_stated_rule(suffix: str, tmp_path: Path) -> None:
    values = np.array([[0, 128, 129, 257, 32767, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), values)
    with ImageFolder(tmp_path).open() as frames:
        assert frames.read([0]).ravel().tolist() == [0, 0, 1, 1, 127, 255]


def test_16_bit_colour_is_within_one_level(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 65536, (9, 9, 3), np.uint16))
    values = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    with ImageFolder(tmp_path).open() as frames:
        assert np.abs(frames.read([0])[0] - values / 257).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.jpg", PICTURE, exif=exif, quality=95)
    with ImageFolder(tmp_path).open() as frames:
        image = frames.read([0])[0]
    expected = cv2.imread(str(path))[..., ::-1]  # OpenCV turns it too
    assert image.shape == expected.shape == ((18, 12, 3) if orientation > 4 else (12, 18, 3))
    assert np.abs(image.astype(int) - expected).max() <= 2


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    assert "no such file or folder" in message_of(tmp_path / "absent")
    assert "holds no images (png, jpg" in message_of(tmp_path)
    save(tmp_path / "a1.png", PICTURE)
    save(tmp_path / "a2.png", PICTURE)
    save(tmp_path / "a10.png", PICTURE[:-1])
    assert (message := message_of(tmp_path)).startswith(str(tmp_path / "a10.png"))
    assert "is 18x11, but a1.png is 18x12" in message
    (tmp_path / "a10.png").write_bytes((tmp_path / "a1.png").read_bytes()[:-200])
    assert "a10.png: the image is truncated" in message_of(tmp_path)
    (tmp_path / "a10.png").write_bytes(b"")
    assert "a10.png: the image is truncated" in message_of(tmp_path)
    Image.fromarray(PICTURE[..., 0].astype(np.float32)).save(tmp_path / "a10.png", format="TIFF")
    assert "a10.png: has pixels of mode F" in message_of(tmp_path)


def test_truncated_jpeg_is_refused_not_filled_up(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", np.tile(PICTURE, (9, 9, 1)))
    path.write_bytes(path.read_bytes()[:-3000])
    assert cv2.imread(str(path)) is not None  # some readers fill it up with grey
    assert "truncated" in message_of(tmp_path)


def test_fingerprint_follows_names_and_times(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", PICTURE)
    prints = [ImageFolder(tmp_path).fingerprint()]
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    prints.append(ImageFolder(tmp_path).fingerprint())
    path.rename(tmp_path / "b.png")
    prints.append(ImageFolder(tmp_path).fingerprint())
    save(tmp_path / "c.png", PICTURE)
    prints.append(ImageFolder(tmp_path).fingerprint())
    (tmp_path / "notes.txt").touch()
    assert len(set(prints)) == 4 and ImageFolder(tmp_path).fingerprint() == prints[-1]
