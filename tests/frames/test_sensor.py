"""The sensor against a slow reference that samples space finely, and its properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farview.errors import FarviewError
from farview.frames.resize import center_crop
from farview.frames.sensor import SensorModel

SENSORS = [(6, 8), (12, 16), (18, 24), (24, 32), (8, 8)]


def reference(image: np.ndarray, height: int, width: int, blur: float) -> np.ndarray:
    """Noiseless eLR frame of a grey image (H, W): loops; the area by oversampling."""
    top, left, h, w = center_crop(*image.shape, height, width)
    x = image[top : top + h, left : left + w].astype(float)
    for axis, out in ((0, height), (1, width)):
        line = np.moveaxis(x, axis, 0)
        size = len(line)
        if blur:
            blurred = np.zeros_like(line)
            for i in range(size):
                total = 0.0
                for j in range(size):
                    weight = math.exp(-((i - j) ** 2) / (2 * (blur * size / out) ** 2))
                    blurred[i] += weight * line[j]
                    total += weight
                blurred[i] /= total
            line = blurred
        # size * out equal parts divide both the pixels of the frame and those of the sensor.
        fine = np.repeat(line, out, axis=0)
        x = np.moveaxis(np.stack([fine[k * size : (k + 1) * size].mean(0) for k in range(out)]), 0, axis)
    return x


def random_frames(count: int, height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("size", SENSORS)
@pytest.mark.parametrize("frame", [(48, 64), (61, 77), (90, 51), (33, 120), (96, 128)])
@pytest.mark.parametrize("blur", [0.0, 0.3, 1.0])
def test_matrices_equal_the_slow_reference(
    size: tuple[int, int], frame: tuple[int, int], blur: float
) -> None:
    image = random_frames(1, *frame, 1)[0, :, :, 0]
    rows, columns = SensorModel(*size, blur=blur).matrices(*frame)
    # The weights are rounded to 2^-16, which is next to nothing even for noise, the hardest content. Where a blur
    # is wide, groups of pixels have equal weights, which is a little more.
    grouped = blur > 0 and (in_pairs(rows) or in_pairs(columns))
    error = np.abs(rows @ image @ columns.T - reference(image, *size, blur)).max()
    assert error < (1.0 if grouped else 0.02)


def in_pairs(matrix: np.ndarray) -> bool:
    """Whether every two neighbouring pixels of the window have equal weights."""
    seen = matrix[:, matrix.any(0)]
    return seen.shape[1] % 2 == 0 and np.array_equal(seen[:, ::2], seen[:, 1::2])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("frame", [(97, 141), (96, 140), (192, 256)])
def test_degrading_is_the_two_matrices_and_rounding(frame: tuple[int, int], channels: int) -> None:
    sensor = SensorModel(blur=0.6, noise=0)
    frames = random_frames(2, *frame, channels)
    rows, columns = sensor.matrices(*frame)
    exact = np.moveaxis(rows @ np.moveaxis(frames.astype(float), 3, 1) @ columns.T, 1, 3)
    np.testing.assert_array_equal(sensor.degrade(frames, range(2)), np.rint(exact))


@given(
    st.sampled_from(SENSORS), st.integers(24, 500), st.integers(32, 500), st.just(0.0) | st.floats(0.01, 3)
)
@settings(max_examples=60, deadline=None)
def test_matrices_are_exact_averages_of_the_window(
    size: tuple[int, int], height: int, width: int, blur: float
) -> None:
    _, _, h, w = center_crop(height, width, *size)
    if h < size[0] or w < size[1]:
        return
    for matrix, out in zip(SensorModel(*size, blur=blur).matrices(height, width), size, strict=True):
        assert matrix.shape[0] == out
        np.testing.assert_array_equal(matrix.sum(1), 1)
        assert matrix.min() >= 0
        np.testing.assert_array_equal(matrix, matrix[::-1, ::-1])
        np.testing.assert_array_equal(matrix * 2**16, np.rint(matrix * 2**16))


@given(st.integers(0, 255), st.integers(24, 150), st.integers(32, 150), st.just(0.0) | st.floats(0.01, 2))
@settings(max_examples=40, deadline=None)
def test_constant_stays_constant(value: int, height: int, width: int, blur: float) -> None:
    frames = np.full((1, height, width, 3), value, np.uint8)
    assert np.all(SensorModel(blur=blur, noise=0).degrade(frames, [0]) == value)


@given(st.integers(24, 150), st.integers(32, 150), st.sampled_from(SENSORS[:4]), st.sampled_from([1, 2]))
@settings(max_examples=40, deadline=None)
def test_mirroring_commutes_with_the_sensor(
    height: int, width: int, size: tuple[int, int], axis: int
) -> None:
    sensor = SensorModel(*size, noise=0)
    frames = random_frames(1, height, width, seed=height)
    try:
        seen = sensor.degrade(frames, [0])
    except FarviewError:
        return
    np.testing.assert_array_equal(sensor.degrade(np.flip(frames, axis), [0]), np.flip(seen, axis))


def test_more_blur_means_less_contrast() -> None:
    frames = random_frames(1, 96, 128)
    spreads = [SensorModel(blur=b, noise=0).degrade(frames, [0]).std() for b in (0, 0.3, 0.6, 1.0, 2.0)]
    assert np.all(np.diff(spreads) < 0)


def test_noise_has_the_stated_mean_and_sigma() -> None:
    frames = np.full((200, 24, 32, 3), 128, np.uint8)
    for sigma in (2.0, 6.0):
        noise = SensorModel(noise=sigma).degrade(frames, range(200)).astype(float) - 128
        assert abs(noise.mean()) < 5 * sigma / math.sqrt(noise.size)
        assert abs(noise.std() / math.sqrt(sigma**2 + 1 / 12) - 1) < 0.01  # rounding adds 1/12
        correlation = np.corrcoef(noise.reshape(200, -1)[:-1].ravel(), noise.reshape(200, -1)[1:].ravel())[
            0, 1
        ]
        assert abs(correlation) < 0.02


def test_noise_is_clipped_not_wrapped() -> None:
    for value in (0, 255):
        seen = SensorModel(noise=30).degrade(np.full((1, 24, 32, 1), value, np.uint8), [0])
        assert np.abs(seen.astype(int) - value).max() < 150


def test_a_frame_does_not_depend_on_its_company() -> None:
    sensor = SensorModel()
    frames = random_frames(8, 100, 133)
    whole = sensor.degrade(frames, range(8))
    np.testing.assert_array_equal(sensor.degrade(frames[3:5], [3, 4]), whole[3:5])
    np.testing.assert_array_equal(sensor.degrade(frames[[6, 1]], [6, 1]), whole[[6, 1]])
    np.testing.assert_array_equal(sensor.degrade(np.asfortranarray(frames), range(8)), whole)


def test_noise_differs_by_frame_number_content_and_seed() -> None:
    still = np.repeat(random_frames(1, 48, 64), 3, axis=0)
    seen = SensorModel().degrade(still, [0, 1, 2])
    assert not np.array_equal(seen[0], seen[1]) and not np.array_equal(seen[1], seen[2])
    assert not np.array_equal(SensorModel(seed=1).degrade(still, [0, 1, 2])[0], seen[0])
    flat = np.full((2, 48, 64, 3), 100, np.uint8)
    flat[1] = 120
    one, other = SensorModel().degrade(flat, [5, 5]).astype(int)
    assert not np.array_equal(one - 100, other - 120)


def test_frames_of_the_sensors_size_pass_unchanged() -> None:
    frames = random_frames(3, 12, 16)
    np.testing.assert_array_equal(SensorModel(blur=1, noise=9).degrade(frames, range(3)), frames)


@pytest.mark.parametrize("frame", [(11, 16), (12, 15), (8, 100), (200, 10)])
def test_frames_smaller_than_the_sensor_are_refused(frame: tuple[int, int]) -> None:
    with pytest.raises(FarviewError, match=f"{frame[0]}x{frame[1]}.*12x16"):
        SensorModel().degrade(random_frames(1, *frame), [0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"height": 0},
        {"width": -1},
        {"width": 2.5},
        {"blur": -0.1},
        {"noise": math.nan},
        {"noise": -1},
        {"seed": -1},
    ],
)
def test_wrong_values_are_refused_by_name(wrong: dict) -> None:
    (name,) = wrong
    with pytest.raises(FarviewError, match=f"sensor.{name}"):
        SensorModel(**wrong)
