"""Blur and noise of a coarse camera, simulated apart from the model, beside an HR camera that is never aligned."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tests.frames.coarse_camera import between, coarse, scene

from farview.errors import FarviewError
from farview.frames.sensor import SensorModel
from farview.frames.sensor_align import Recording
from farview.frames.sensor_fit import SensorFit, fit_sensor
from farview.frames.sensor_view import Geometry

SIZE = (12, 16)
HR_RATE = 25.0


def hr_of(frames: np.ndarray, size: tuple[int, int] = SIZE) -> tuple[Recording, Geometry]:
    geometry = Geometry(size, frames.shape[1:3])
    kept = np.stack([geometry.keep(frame) for frame in frames])
    return Recording("hr", kept, np.arange(len(frames)) / HR_RATE), geometry


def pair_of(
    frames: np.ndarray, places: np.ndarray, **camera: object
) -> tuple[Recording, Recording, Geometry]:
    """A coarse recording taken at the HR frames' numbers `places`, beside the HR one."""
    small = coarse(between(frames, places), SIZE, **camera)  # type: ignore[arg-type]
    return (Recording("coarse", small, (places - places[0]) / HR_RATE), *hr_of(frames))


def still_of(frames: np.ndarray) -> Recording:
    return Recording("wall", frames, np.arange(len(frames)) / 25)


def wall(count: int = 100, sigma: float = 2.0, grey: float = 120, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, (count, *SIZE, 3))
    return np.clip(np.rint(grey + noise), 0, 255).astype(np.uint8)


def near(fit: SensorFit, blur: float, noise: float) -> None:
    """Both within a few hundredths, and within three times the interval's half."""
    for estimate, true, rel in ((fit.blur, blur, 0.03), (fit.noise, noise, 0.06)):
        assert estimate is not None
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.value == pytest.approx(true, rel=rel)
        assert abs(estimate.value - true) < 3 * max(
            estimate.high - estimate.value, estimate.value - estimate.low
        )


@pytest.mark.parametrize(
    ("blur", "noise", "rate"), [(0.3, 2.0, 10.0), pytest.param(0.7, 6.0, 17.3, marks=pytest.mark.slow)]
)
def test_a_misaligned_pair(blur: float, noise: float, rate: float) -> None:
    frames = scene(120, 108, 200)
    places = 12.4 + np.arange(40) * HR_RATE / rate
    pair = pair_of(
        frames,
        places[places < 119],
        blur=blur,
        noise=noise,
        scale=1.06,
        degrees=2,
        shift=(0.8, -0.5),
        gain=0.8,
        base=15,
    )
    fit = fit_sensor([pair], [])
    near(fit, blur, noise)
    (found,) = fit.pairs
    assert found.timed and found.later == pytest.approx(12.4 / HR_RATE, abs=0.01)
    linear = np.eye(2) + np.reshape(found.view.turn, (2, 2))
    angle = np.deg2rad(2)
    np.testing.assert_allclose(linear @ linear.T, 1.06**2 * np.eye(2), atol=0.04)
    assert abs(linear[1, 0] - linear[0, 1]) == pytest.approx(2 * 1.06 * np.sin(angle), rel=0.2)
    np.testing.assert_allclose(found.view.shift, (0.8, -0.5), atol=0.05)
    assert found.explained > 0.8 and fit.warnings == ()


def test_what_the_sensor_model_itself_has_made() -> None:
    """Nothing is known beside its window, and its rows are those of the HR frame: it comes back as it was."""
    frames = scene(40, 96, 128, seed=3)
    sensor = SensorModel(*SIZE, blur=0.5, noise=3.0)
    small = Recording("coarse", sensor.degrade(frames, range(40)), np.arange(40) / HR_RATE)
    near(fit_sensor([(small, *hr_of(frames))], []), 0.5, 3.0)


def test_still_scenes_beside_pairs_give_the_noise() -> None:
    frames = scene(80, 96, 160, seed=1)
    pair = pair_of(frames, np.arange(4.0, 70.0, 2.0), blur=0.4, noise=5.0)
    fit = fit_sensor([pair], [still_of(wall(sigma=2.0)), still_of(wall(sigma=2.0, grey=90, seed=1))])
    assert fit.noise is not None and fit.noise.value == pytest.approx(2, rel=0.03)
    assert fit.blur is not None and fit.blur.value == pytest.approx(0.4, rel=0.05)


def test_a_scene_in_which_nothing_moves() -> None:
    frames = np.repeat(scene(1, 96, 160, seed=2), 60, axis=0)
    fit = fit_sensor([pair_of(frames, np.arange(40.0), blur=0.5, noise=2.0)], [])
    assert not fit.pairs[0].timed and "too little moves" in " ".join(fit.warnings)
    assert fit.blur is not None and fit.blur.value == pytest.approx(0.5, rel=0.05)


def test_grey_coarse_frames_beside_colour() -> None:
    frames = scene(80, 96, 160, seed=4)
    pair = pair_of(frames, np.arange(4.0, 70.0, 2.0), blur=0.4, noise=0.0)
    grey = pair[0].frames.astype(float) @ [[0.3], [0.5], [0.2]]
    noisy = np.rint(grey + np.random.default_rng(0).normal(0, 3, grey.shape)).astype(np.uint8)
    near(fit_sensor([(replace(pair[0], frames=noisy), *pair[1:])], []), 0.4, 3.0)


@pytest.mark.slow
def test_intervals_cover_the_truth() -> None:
    covered = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        blur, noise = rng.uniform(0.2, 0.8), rng.uniform(1, 6)
        frames = scene(70, 96, 160, seed)
        pair = pair_of(
            frames, np.arange(4.0, 65.0, 1.7), blur=blur, noise=noise, scale=0.95, shift=(0.4, 0.2), seed=seed
        )
        fit = fit_sensor([pair], [])
        assert fit.blur is not None and fit.noise is not None
        covered += fit.blur.low <= blur <= fit.blur.high
        covered += fit.noise.low <= noise <= fit.noise.high
    assert covered >= 13  # of 16; 15 are expected


def test_other_scenes_are_refused() -> None:
    pair = pair_of(scene(60, 96, 160, seed=5), np.arange(0.0, 50.0), blur=0.3, noise=2)
    with pytest.raises(FarviewError, match=r"coarse and hr: do not show the same scene.*order"):
        fit_sensor([(pair[0], *hr_of(scene(60, 96, 160, seed=6)))], [])


def test_a_flat_pair_is_refused() -> None:
    flat = np.full((60, 96, 160, 3), 120, np.uint8)
    with pytest.raises(FarviewError, match="do not show the same scene"):
        fit_sensor([(still_of(wall()), *hr_of(flat))], [])


def test_few_common_frames_are_refused() -> None:
    pair = pair_of(scene(60, 96, 160, seed=5), np.arange(0.0, 50.0, 5.0), blur=0.3, noise=2)
    with pytest.raises(FarviewError, match=r"coarse and hr: only .* frames were taken while both ran"):
        fit_sensor([pair], [])


def test_noise_from_walls() -> None:
    fit = fit_sensor([], [still_of(wall(sigma=2.5, grey=g, seed=g)) for g in (60, 120, 180)])
    assert fit.blur is None and fit.noise is not None and fit.warnings == ()
    assert fit.noise.value == pytest.approx(2.5, rel=0.02)
    assert fit.sensor.keys() == {"height", "width", "noise"}


def test_shot_noise_is_told() -> None:
    walls = [still_of(wall(sigma=np.sqrt(g) / 4, grey=g, seed=g)) for g in (25, 100, 225)]
    assert "depends on brightness" in " ".join(fit_sensor([], walls).warnings)


def test_coloured_noise_is_told() -> None:
    white = np.random.default_rng(0).normal(0, 3, (200, 12, 17, 3))
    blurred = np.rint(120 + (white[:, :, 1:] + 0.3 * white[:, :, :-1])).astype(np.uint8)
    assert "neighbouring pixels is correlated" in " ".join(fit_sensor([], [still_of(blurred)]).warnings)
    lasting = np.rint(120 + 0.7 * white[1:] + 0.7 * white[:-1]).astype(np.uint8)[:, :, 1:]
    assert "neighbouring frames are too much alike" in " ".join(fit_sensor([], [still_of(lasting)]).warnings)


def test_noise_that_a_camera_smooths_is_no_motion() -> None:
    noise = np.random.default_rng(0).normal(size=(300, *SIZE, 1))
    smooth = gaussian_filter(noise, (0, 0.7, 0.7, 0), mode="wrap")
    shared = [(smooth * np.roll(smooth, 1, axis)).mean() / (smooth**2).mean() for axis in (1, 2)]
    assert min(shared) > 0.5
    fit = fit_sensor([], [still_of(np.rint(120 + 3 / smooth.std() * smooth).astype(np.uint8))])
    assert fit.noise is not None and fit.noise.value == pytest.approx(3, rel=0.05)
    (warning,) = fit.warnings
    assert re.search(r"neighbouring pixels is correlated \(0\.[56]\d\).*was the scene still", warning)


@pytest.mark.parametrize(("other", "blames_brightness"), [(140, True), (104, False)])
def test_recordings_that_disagree_are_told_one_by_one(other: float, blames_brightness: bool) -> None:
    walls = [still_of(wall(sigma=2, grey=100)), still_of(wall(sigma=6, grey=other, seed=1))]
    walls = [replace(walls[0], name="a"), replace(walls[1], name="b")]
    (warning,) = fit_sensor([], walls).warnings
    assert "recordings disagree" in warning and ("brightness" in warning) == blames_brightness
    found = re.search(rf"a (\d\.\d\d) at grey level 100, b (\d\.\d\d) at grey level {other}", warning)
    assert found is not None
    assert [float(value) for value in found.groups()] == pytest.approx([2, 6], rel=0.03)


def test_brightness_that_one_recording_shows_is_blamed() -> None:
    level = np.linspace(30, 220, 16)[:, None]
    noise = np.random.default_rng(0).normal(size=(100, *SIZE, 3)) * np.sqrt(level) / 4
    still = still_of(np.rint(level + noise).astype(np.uint8))
    (warning,) = fit_sensor([], [still, still]).warnings
    assert warning.startswith("noise depends on brightness")


@pytest.mark.parametrize(
    ("coarse_rate", "hr_rate", "named"),
    [
        (None, None, []),
        (25.0, None, ["--rate 25 for coarse"]),
        (25.0, 12.5, ["--rate 25 for coarse and --hr-rate 12.5 for hr"]),
    ],
)
def test_frame_rates_that_were_taken_are_named(
    coarse_rate: float | None, hr_rate: float | None, named: list[str]
) -> None:
    """At 29.97 frames a second, but taken for 25."""
    frames = scene(150, 96, 160, seed=5)
    small, hr, geometry = pair_of(frames, np.arange(5.0, 145.0, HR_RATE / 29.97), blur=0.3, noise=2)
    small = replace(small, times=np.arange(len(small.frames)) / 25, assumed=coarse_rate)
    with pytest.raises(FarviewError, match="do not show the same scene") as error:
        fit_sensor([(small, replace(hr, assumed=hr_rate), geometry)], [])
    assert ("rate" in str(error.value)) == bool(named)
    assert all(text in str(error.value) for text in named)


def moved(places: np.ndarray) -> np.ndarray:
    """A still scene by a camera that points so many pixels further right in each frame."""
    wide = coarse(scene(1, 108, 400), (12, 40), 0.3, 0.0)
    columns = between(np.moveaxis(wide[0], 1, 0)[..., None], (places[:, None] + np.arange(16)).ravel())
    frames = columns.reshape(len(places), 16, 12, 3).swapaxes(1, 2)
    return np.rint(frames + np.random.default_rng(0).normal(0, 2, frames.shape)).astype(np.uint8)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (wall(1), "wall: 1 frame is too few.*33"),
        (wall(32), "wall: 32 frames are too few.*33"),
        (np.repeat(wall(1), 50, axis=0), "wall: every frame is the same.*froze"),
        (wall(sigma=3, grey=2), "wall: .* black or white.*neither dark nor bright"),
        (wall(sigma=3, grey=254), "wall: .* black or white"),
        (moved(np.arange(80) / 4), "wall: not still enough.*fix the camera"),
        (moved(5 + np.random.default_rng(0).normal(0, 0.3, 80)), "wall: not still enough"),
    ],
)
def test_what_is_no_still_scene_is_refused(frames: np.ndarray, message: str) -> None:
    with pytest.raises(FarviewError, match=message) as error:
        fit_sensor([], [still_of(frames)])
    assert "\n" not in str(error.value)
