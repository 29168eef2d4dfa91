"""The verb `farview fit-sensor`: the sensor model of a real coarse camera from a few recordings of it."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from farview.deploy.fit_sensor_input import Settings, is_lossy, read_coarse, read_hr
from farview.deploy.render import enlarged
from farview.errors import FarviewError
from farview.frames.files import atomic_write
from farview.frames.sensor_fit import SensorFit, fit_sensor
from farview.frames.sensor_pair import Pair
from farview.frames.sensor_warnings import Estimate


def fit(coarse: list[str], hr: list[str], settings: Settings) -> SensorFit:
    """Fit the first coarse recordings to the HR ones, in order; the others are still scenes. Raises FarviewError."""
    if len(hr) > len(coarse):
        raise FarviewError(
            f"--hr: {len(hr)} recordings for {len(coarse)} coarse ones; give one for each of the first coarse ones"
        )
    recordings = [read_coarse(path, settings) for path in coarse]
    size = recordings[0].frames.shape[1:]
    for recording in recordings:
        if recording.frames.shape[1:] != size:
            raise FarviewError(
                "{}: frames are {}x{}x{} (height x width x channels), those of {} {}x{}x{}; give recordings of one "
                "camera".format(recording.name, *recording.frames.shape[1:], recordings[0].name, *size)
            )
    pairs = [
        (recording, *read_hr(path, size[:2], settings))
        for recording, path in zip(recordings, hr, strict=False)
    ]
    cut = [
        f"{recording.name}: only its first {recording.times[-1]:.1f} s are used, as much as is kept in memory"
        for _, recording, _ in pairs
        if recording.cut
    ]
    try:
        result = fit_sensor(pairs, recordings[len(hr) :])
    except FarviewError as error:
        raise FarviewError("; ".join([str(error), *cut])) from None
    lossy = [
        f"{path}: is compressed, which changes noise; record without loss"
        for path in coarse
        if is_lossy(path)
    ]
    return replace(result, warnings=(*lossy, *cut, *result.warnings))


def facts(result: SensorFit) -> dict[str, Any]:
    """The fit as plain values."""
    return {
        "sensor": result.sensor,
        "blur": result.blur and asdict(result.blur),
        "noise": result.noise and asdict(result.noise),
        "noise_by_brightness": [{"level": level, "noise": sigma} for level, sigma in result.brightness],
        "pairs": [
            {
                "coarse": pair.coarse,
                "hr": pair.hr,
                "frames": pair.frames,
                "blur": pair.variance**0.5,
                "starts_later": pair.later if pair.timed else None,
                "view": {"turn": pair.view.turn, "shift": pair.view.shift},
                "gain": pair.tone.gain,
                "offset": pair.tone.offset,
                "colours": pair.tone.colours.tolist(),
                "clipped": pair.tone.clipped,
                "explained": pair.explained,
                "residual": pair.residual,
            }
            for pair in result.pairs
        ],
        "warnings": list(result.warnings),
    }


def write_yaml(result: SensorFit, path: Path) -> None:
    """What `farview train RECIPE --recipe PATH` lays over a recipe. A flow mapping of JSON is YAML, too."""
    with atomic_write(path, "w") as file:
        file.write(f"# by farview fit-sensor\ninput: {{sensor: {flow(result)}}}\n")


def flow(result: SensorFit) -> str:
    """The sensor's keys in one line of YAML."""
    return json.dumps(result.sensor).replace('"', "")


def write_picture(pairs: tuple[Pair, ...], path: Path) -> None:
    """For each pair a row: a coarse frame, its fit, and the difference, eight times, around grey. As PNG."""
    rows = []
    for pair in pairs:
        frame, fitted = pair.shown
        pictures = [
            np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (frame, fitted, 128 + 8 * (frame - fitted))
        ]
        size = 16 * frame.shape[0], 16 * frame.shape[1]
        rows.append(np.hstack([enlarged(picture, size, "blocks") for picture in pictures]))
    with atomic_write(path) as file:
        file.write(cv2.imencode(".png", cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))[1].tobytes())


def print_fit(result: SensorFit) -> None:
    """For readers."""
    for pair in result.pairs:
        xx, xy, yx, yy = pair.view.turn
        when = f"starts {pair.later:+.2f} s after it" if pair.timed else "taken as started with it"
        print(
            f"{pair.coarse}: {pair.frames} frames within {pair.hr}, {when}; sees {1 + xx:.2f}x{1 + yy:.2f} of its "
            f"centre, {pair.view.shift[0]:+.2f} right, {pair.view.shift[1]:+.2f} down (coarse pixels), turned "
            f"{np.degrees(np.arctan2(yx - xy, 2 + xx + yy)):+.1f} degrees; grey levels are "
            f"{pair.tone.gain:.2f} times the HR ones {pair.tone.offset:+.1f}; the fit explains {pair.explained:.1%}, "
            f"and misses by {pair.residual:.2f} grey levels, noise included"
        )
    print(f"size   {result.height}x{result.width} (height x width)")
    print(
        f"blur   {_text(result.blur, 'coarse pixels', 'not to be had without --hr; the recipe keeps its value')}"
    )
    print(f"noise  {_text(result.noise, 'grey levels', 'not found')}")
    for warning in result.warnings:
        print(f"warning: {warning}")
    sensor = result.sensor
    print(f"recipe:         input: {{sensor: {flow(result)}}}")
    print("farview train:  " + " ".join(f"--input.sensor.{key} {value}" for key, value in sensor.items()))
    print("farview record: " + " ".join(f"--{key} {value}" for key, value in sensor.items()))


def _text(estimate: Estimate | None, unit: str, otherwise: str) -> str:
    if estimate is None:
        return otherwise
    return f"{estimate.value:.3f} {unit} (95 %: {estimate.low:.3f} to {estimate.high:.3f})"
