"""The verb `farview fit-sensor`: files of every kind, what it prints and writes, what it refuses; real recordings."""

import json
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from farview.cli import main
from farview.frames.open import source_of
from farview.frames.times import timed
from farview.training.recipe import read_recipe
from tests.deploy.test_docs import shown
from tests.frames.coarse_camera import between, coarse, scene
from tests.frames.videos import write_video

SIZE = (12, 16)


def wall(sigma: float = 2.0, grey: float = 120, count: int = 60, channels: int = 3) -> np.ndarray:
    noise = np.random.default_rng(int(grey)).normal(0, sigma, (count, *SIZE, channels))
    return np.clip(np.rint(grey + noise), 0, 255).astype(np.uint8)


def save(path: Path, frames: np.ndarray) -> str:
    np.save(path, frames)
    return str(path)


def answer(capsys: pytest.CaptureFixture, *arguments: str) -> dict:
    main(["fit-sensor", *arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def refused(*arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["fit-sensor", *arguments])
    text = str(stop.value)
    assert text.startswith("farview: ") and "\n" not in text and "unexpected" not in text
    return text


def test_walls_of_every_kind_of_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    frames = wall(3)
    write_video(tmp_path / "wall.mkv", frames, codec="ffv1", pixels="bgr0")
    (tmp_path / "folder").mkdir()
    for n, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / "folder" / f"{n}.png"), frame[..., ::-1])
    np.savez(tmp_path / "wall.npz", frames=frames)
    save(tmp_path / "wall.npy", frames)
    values = set()
    for name in ("wall.npy", "wall.npz", "wall.mkv", "folder"):
        found = answer(capsys, str(tmp_path / name))
        assert found["blur"] is None and found["warnings"] == []
        values.add(found["noise"]["value"])
    assert len(values) == 1 and values.pop() == pytest.approx(3, rel=0.03)


def test_what_it_prints_is_taken_by_recipes(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "sensor.yaml"
    main(["fit-sensor", save(tmp_path / "wall.npy", wall(3)), "--out", str(out)])
    text = capsys.readouterr().out
    assert "blur   not to be had without --hr" in text
    line = re.search(r"farview train: +(.*)", text)
    assert line is not None
    for overrides in (["--recipe", str(out)], shlex.split(line[1])):
        sensor = read_recipe("folder", ["--input.sensor.blur=0.7", *overrides]).input.sensor
        assert (sensor.height, sensor.width, sensor.blur) == (12, 16, 0.7)
        assert sensor.noise == pytest.approx(3, rel=0.03)


def test_a_pair(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """By the commands that docs/record.md shows, on a pair and a wall."""
    frames = scene(60, 108, 160)
    names = {"coarse.mkv": coarse(frames[5::2], SIZE, 0.4, 3.0, 0.95), "wall.mkv": wall(3)}
    paths = {
        "hr.mp4": str(write_video(tmp_path / "hr.mp4", frames, options={"crf": "12"})),
        "sensor.yaml": str(tmp_path / "sensor.yaml"),
        "fit.png": str(tmp_path / "fit.png"),
    }
    for name, images in names.items():
        times = range(0, len(images) * 2, 2) if name == "coarse.mkv" else None
        path = write_video(tmp_path / name, images, codec="ffv1", pixels="bgr0", times=times)
        paths[name] = str(path)
    commands = shown("fit-sensor")
    assert len(commands) == 2
    for words in commands:
        found = answer(capsys, *(paths.get(word, word) for word in words[1:]))
        assert found["sensor"]["noise"] == pytest.approx(3, rel=0.05)
        if "--hr" in words:
            assert found["sensor"]["blur"] == pytest.approx(0.4, rel=0.05)
            (pair,) = found["pairs"]
            assert pair["starts_later"] == pytest.approx(0.2, abs=0.01)
    picture = cv2.imread(paths["fit.png"])
    assert picture is not None and picture.shape == (16 * 12, 3 * 16 * 16, 3)
    sensor = read_recipe("folder", ["--recipe", paths["sensor.yaml"]]).input.sensor
    assert sensor.blur == pytest.approx(0.4, rel=0.05)


def test_brightness_and_colours_are_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Of a recording whose red and blue are exchanged, and which is darker."""
    frames = np.stack([scene(60, 96, 160, seed)[..., 0] for seed in range(3)], axis=3)
    hr = save(tmp_path / "hr.npy", frames)
    paths = [save(tmp_path / "coarse.npy", coarse(frames[..., ::-1], SIZE, 0.4, 3.0, gain=0.8, base=15))]
    (pair,) = (found := answer(capsys, *paths, "--hr", hr))["pairs"]
    assert (pair["gain"], pair["offset"]) == (pytest.approx(0.8, abs=0.01), pytest.approx(15, abs=1.5))
    np.testing.assert_allclose(np.array(pair["colours"])[:, :3], 0.8 * np.eye(3)[::-1], atol=0.03)
    assert "coarse.npy: its red is the blue of" in " ".join(found["warnings"])
    main(["fit-sensor", *paths, "--hr", hr])
    text = capsys.readouterr().out
    told = re.search(r"grey levels are (\S+) times the HR ones (\S+);", text)
    assert told is not None, text
    assert [float(value) for value in told.groups()] == pytest.approx(
        [pair["gain"], pair["offset"]], abs=0.06
    )


def test_a_clipped_pair_is_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    frames = scene(60, 96, 160)
    bright = coarse(frames, SIZE, 0.4, 3.0, gain=2.2)
    share = (bright.max(3) >= 247).mean()
    assert share > 0.2
    found = answer(capsys, save(tmp_path / "c.npy", bright), "--hr", save(tmp_path / "hr.npy", frames))
    warning = re.search(r"c\.npy: (\d+)% of its pixels are about black or white", " ".join(found["warnings"]))
    assert warning is not None
    assert int(warning[1]) == pytest.approx(100 * share, abs=5)  # that of what both see, this of all


def test_an_array_of_another_frame_rate(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Of 29.97 frames a second, which it cannot state: by --rate it is fitted, without, the cause is named."""
    frames = scene(150, 96, 160)
    hr = str(write_video(tmp_path / "hr.mkv", frames, codec="ffv1", pixels="bgr0"))
    small = coarse(between(frames, np.arange(5.0, 145.0, 25 / 29.97)), SIZE, 0.4, 3.0)
    path = save(tmp_path / "coarse.npy", small)
    text = refused(path, "--hr", hr)
    assert f"--rate 25 for {path} must be true" in text and "--hr-rate" not in text
    found = answer(capsys, path, "--hr", hr, "--rate", "29.97")
    assert found["sensor"]["blur"] == pytest.approx(0.4, rel=0.05)


def test_an_hr_recording_that_memory_does_not_hold_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of it is enough, or the reason why not is not lost."""
    frames = scene(60, 96, 160)
    hr, blurred = save(tmp_path / "hr.npy", frames), coarse(frames[::2], SIZE, 0.4, 3.0)
    pair = [save(tmp_path / "coarse.npy", blurred), "--rate", "12.5", "--hr", hr]
    monkeypatch.setattr("farview.deploy.fit_sensor_input.MEMORY", 45 * frames[0].nbytes)
    found = answer(capsys, *pair)
    assert found["sensor"]["blur"] == pytest.approx(0.4, rel=0.1) and found["pairs"][0]["frames"] in (22, 23)
    told = f"{hr}: only its first 1.8 s are used, as much as is kept in memory"
    assert told in found["warnings"]
    monkeypatch.setattr("farview.deploy.fit_sensor_input.MEMORY", 2 * frames[0].nbytes)
    assert "record 10 s or more; " + told.replace("1.8", "0.0") in refused(*pair)


def test_compressed_recordings_are_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_video(tmp_path / "wall.mp4", wall(6), options={"crf": "10"})
    assert "is compressed" in " ".join(answer(capsys, str(tmp_path / "wall.mp4"))["warnings"])


def test_repeated_frames_count_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = save(tmp_path / "wall.npy", np.repeat(wall(3), 2, axis=0))
    assert answer(capsys, path)["noise"]["value"] == pytest.approx(3, rel=0.03)


def test_one_frame_or_none(tmp_path: Path) -> None:
    hr = save(tmp_path / "hr.npy", scene(40, 96, 160))
    one, none = save(tmp_path / "one.npy", wall()[:1]), save(tmp_path / "none.npy", wall()[:0])
    assert "one.npy: 1 frame is too few; record at least 33 of a still scene" in refused(one)
    assert "only 1 frame was taken while both ran; record 10 s" in refused(one, "--hr", hr)
    assert refused(none) == f"farview: {none}: holds no frames"


def test_refusals(tmp_path: Path) -> None:
    ok, other = save(tmp_path / "ok.npy", wall()), save(tmp_path / "other.npy", wall()[:, :8])
    hr = save(tmp_path / "hr.npy", scene(10, 96, 160))
    small = save(tmp_path / "small.npy", scene(10, 30, 40))
    kelvin = save(tmp_path / "kelvin.npy", wall().astype(np.float32))
    tiny = save(tmp_path / "tiny.npy", wall()[:, :3])
    main(["record", hr, str(tmp_path / "elr.mkv"), "--quiet"])
    assert "other.npy: frames are 8x16x3" in refused(ok, other)
    assert "2 recordings for 1" in refused(ok, "--hr", hr, hr)
    assert "name coarse recordings first and HR ones after --hr" in refused(hr)
    assert "small.npy: 30x40 pixels are too few" in refused(ok, "--hr", small)
    assert "cannot give HR frames" in refused(ok, "--hr", str(tmp_path / "elr.mkv"))
    assert "`low` and `high`" in refused(kelvin)
    assert "less than 4x4" in refused(tiny)
    assert "no such file" in refused(str(tmp_path / "none.mkv"))
    assert "--seconds" in refused(ok, "--seconds", "0")
    assert "--picture" in refused(ok, "--picture", "fit.png")


def test_a_real_thermal_camera(tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture) -> None:
    """Six sessions in which people walk, sit and fall: one camera, one noise, about its quantum of a quarter degree."""
    with np.load(data_root / "grid-eye" / "grid-eye.npz") as arrays:
        frames, lengths, groups = arrays["frames"], arrays["length"], arrays["group"]
    ends = np.cumsum(lengths)
    degrees = 25 / 255
    paths = []
    for group in np.unique(groups):
        clip = int(np.flatnonzero(groups == group)[-1])
        paths.append(save(tmp_path / f"{group}.npy", frames[ends[clip] - lengths[clip] : ends[clip]]))
    single = []
    for path in paths:
        found = answer(capsys, path, "--low", "10", "--high", "35")
        single.append(found["noise"]["value"] * degrees)
    assert max(single) < 1.15 * min(single) and np.mean(single) == pytest.approx(0.235, abs=0.02)
    together = answer(capsys, *paths, "--low", "10", "--high", "35")["noise"]
    assert together["low"] * degrees <= np.mean(single) <= together["high"] * degrees


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "blur", "noise"), [("fights/*/*.mp4", 0.3, 2.0), ("clips/ucf101/*/*.avi", 0.6, 4.0)]
)
def test_real_scenes(
    pattern: str, blur: float, noise: float, tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture
) -> None:
    """Real clips as HR recordings; the coarse camera, at another frame rate, started later and looks aside."""
    covered = 0
    for path in sorted(data_root.glob(pattern))[::20][:2]:
        with source_of(path).open() as opened:
            times, frames = zip(*timed(opened, 25), strict=True)  # some drop frames
        moments = np.arange(0.2, min(times[-1], 5), 0.068)
        places = np.interp(moments, times, np.arange(len(times)))
        small = coarse(
            between(np.stack(frames), places), SIZE, blur, noise, 0.93, -1.5, (-0.5, 0.3), 0.85, 20
        )
        out = save(tmp_path / f"{path.stem}.npy", small)
        found = answer(capsys, out, "--hr", str(path), "--rate", str(1 / 0.068))
        assert found["pairs"][0]["starts_later"] == pytest.approx(0.2, abs=0.02)
        assert found["sensor"]["blur"] == pytest.approx(blur, rel=0.04)
        assert found["sensor"]["noise"] == pytest.approx(noise, rel=0.1)
        covered += found["blur"]["low"] <= blur <= found["blur"]["high"]
    assert covered
