"""Verbs about eLR recordings and cameras: record, fit-sensor, render."""

import json

from farview.cli.words import Arguments
from farview.errors import FarviewError


def record(arguments: Arguments) -> None:
    """write only the eLR frames of a camera, an address, a file or a folder of files; HR frames stay in memory"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview record", description=record.__doc__)
    parser.add_argument("source", help="number of a camera, rtsp:// or http:// address, video, folder")
    parser.add_argument("out", help="an .mkv, or a folder for a folder of files")
    parser.add_argument("--model", help="record what this model sees, in place of the next four")
    parser.add_argument("--height", type=int, help="of an eLR frame, pixels (default 12)")
    parser.add_argument("--width", type=int, help="of an eLR frame, pixels (default 16)")
    parser.add_argument("--blur", type=float, help="sigma of the lens, eLR pixels (default 0.3)")
    parser.add_argument("--noise", type=float, help="sigma of the noise, grey levels of 255 (default 2)")
    parser.add_argument("--grey", action="store_true", help="one channel in place of three")
    parser.add_argument(
        "--seconds", type=float, help="stop after so many (default: Ctrl-C ends a live source)"
    )
    parser.add_argument("--rate", type=float, default=25, help="frames per second where unknown (default 25)")
    parser.add_argument("--workers", type=int, default=1, help="processes for a folder of files (default 1)")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)

    from farview.deploy import record as job
    from farview.deploy.record_settings import Settings, seen_by
    from farview.frames.sensor import SensorModel

    given = {key: getattr(options, key) for key in ("height", "width", "blur", "noise")}
    given = {key: value for key, value in given.items() if value is not None}
    settings = Settings(
        SensorModel(**given), options.grey, options.rate, options.seconds, asked=frozenset(given)
    )
    if options.model:
        if given or options.grey:
            raise FarviewError(
                "--model says what is kept; leave out --height, --width, --blur, --noise, --grey"
            )
        settings = seen_by(options.model, settings)
    job.record(options.source, options.out, settings, options.workers, options.quiet)


def fit_sensor(arguments: Arguments) -> None:
    """blur and noise of a real coarse camera, from recordings of it beside HR ones, or of still scenes alone"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview fit-sensor", description=fit_sensor.__doc__)
    parser.add_argument("coarse", nargs="+", help="recordings of the coarse camera: videos, folders, arrays")
    parser.add_argument(
        "--hr",
        nargs="+",
        default=[],
        help="HR recordings of what the first coarse ones show, in their order; the other coarse ones are still "
        "scenes (default: all are, which gives noise only)",
    )
    parser.add_argument("--out", metavar="SENSOR.yaml", help="for farview train RECIPE --recipe SENSOR.yaml")
    parser.add_argument("--picture", metavar="FIT.png", help="coarse frames, their fit, the difference x8")
    parser.add_argument("--seconds", type=float, default=60, help="from the start of each (default 60)")
    parser.add_argument(
        "--rate", type=float, default=25, help="coarse frames per second where unknown (default 25)"
    )
    parser.add_argument(
        "--hr-rate", type=float, default=25, help="HR frames per second where unknown (default 25)"
    )
    parser.add_argument("--low", type=float, help="value of a coarse array that is grey 0 (uint8: none)")
    parser.add_argument("--high", type=float, help="value of a coarse array that is grey 255 (uint8: none)")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    options = parser.parse_args(arguments)
    if options.picture and not options.hr:
        raise FarviewError("--picture: shows how HR recordings fit; give --hr, or leave it out")

    from pathlib import Path

    from farview.deploy import fit_sensor as job
    from farview.deploy.fit_sensor_input import Settings

    settings = Settings(options.seconds, options.rate, options.hr_rate, options.low, options.high)
    result = job.fit(options.coarse, options.hr, settings)
    if options.out:
        job.write_yaml(result, Path(options.out))
    if options.picture:
        job.write_picture(result.pairs, Path(options.picture))
    if options.json:
        print(json.dumps(job.facts(result)))
    else:
        job.print_fit(result)


def render(arguments: Arguments) -> None:
    """an eLR recording as an MP4 that any player shows, in blocks or smoothed"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview render", description=render.__doc__)
    parser.add_argument("recording", help="what farview record wrote; other videos, arrays and folders too")
    parser.add_argument("out", help="an .mp4")
    parser.add_argument("--style", choices=["blocks", "bilinear"], default="blocks", help="(default blocks)")
    parser.add_argument("--height", type=int, default=480, help="of the film, pixels (default 480)")
    parser.add_argument("--rate", type=float, default=25, help="frames per second where unknown (default 25)")
    options = parser.parse_args(arguments)

    from farview.deploy import render as job

    count = job.render(**vars(options))
    print(f"{options.out}: {count} frames")
