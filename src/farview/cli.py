"""The command `farview`: one dict of verbs, each a function; heavy libraries are imported when a verb runs."""

import json
import sys
from collections.abc import Callable
from typing import Any

from farview import __version__
from farview.errors import FarviewError, extras_named

Arguments = list[str]


def demo(arguments: Arguments) -> None:
    """the main job on the embedded data set: train T-Net, S-Net and CSTAT, show what happened on one page"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview demo", description=demo.__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the people, scenes and weights (default 0)")
    parser.add_argument("--out", default="runs/demo", help="folder of the page (default runs/demo)")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)

    from farview.experiments import demo as job

    job.demo(**vars(options))


def scan(arguments: Arguments) -> None:
    """index a data set, decode every clip, list what is broken and why"""
    parser = data_parser("farview scan", scan.__doc__)
    parser.add_argument("--recipe", help="also build the frame store that this recipe trains from")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode (default 2)")
    options = parser.parse_args(spelled(arguments))

    from farview.data import scan as job

    store = None
    if options.recipe:
        from farview.training.data import open_store
        from farview.training.recipe import read_recipe

        store = open_store(read_recipe(options.recipe, ["--data.source", options.source]))
    report = job.scan(data_config(options), store, workers=options.workers, quiet=options.json)
    if options.json:
        print(report.to_json())
    else:
        job.print_report(report)


def train(arguments: Arguments) -> None:
    """run a recipe's phases (teacher, student, transfer); goes on by itself where a run was cut"""
    from farview.training.recipe import located, parser, read_recipe, recipe_path

    if not arguments or arguments[0] in ("-h", "--help"):
        parser().parse_args(["--help"])
    arguments = spelled(arguments)
    path, overrides = (None, arguments) if arguments[0].startswith("-") else (arguments[0], arguments[1:])
    if any(word.startswith("--print_config") for word in overrides):
        parser().parse_args(([f"--recipe={recipe_path(path)}"] if path else []) + located(overrides))
    recipe = read_recipe(path, overrides)

    from farview.experiments import train as job

    job.train(recipe)


def evaluate(arguments: Arguments) -> None:
    """Prec@1, Prec@5, mean class accuracy, confusion matrix of a model on a data set; --stream: on long recordings"""
    if any(word.split("=")[0] == "--stream" for word in arguments):
        evaluate_stream(arguments)
        return
    parser = data_parser("farview evaluate", evaluate.__doc__, model=True)
    parser.add_argument(
        "--part",
        choices=["test", "val", "train"],
        default="test",
        help="val: what the model's training held out; train: what it learned from (default test)",
    )
    parser.add_argument("--flow", help="a second model, of flow: the class probabilities of both are added")
    parser.add_argument(
        "--fusion", type=float, nargs=2, default=[1.0, 1.0], help="their weights (default 1 1)"
    )
    parser.add_argument("--out", help="folder for results.json and predictions.csv")
    parser.add_argument("--skip_unreadable", type=bool, default=False, help="go on without unreadable clips")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode (default 2)")
    parser.add_argument(
        "--accelerator",
        choices=["auto", "cpu", "gpu"],
        default="auto",
        help="where the network runs (default: a GPU where there is one)",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    model_data_defaults(parser, arguments)
    options = parser.parse_args(spelled(arguments))

    from pathlib import Path

    from farview.experiments import evaluate as job

    if options.flow:
        job.check_streams(options.model, options.flow)
    models = [options.model, *([options.flow] if options.flow else [])]
    results = [
        job.evaluate(
            model,
            data_config(options),
            part=options.part,
            skip_unreadable=options.skip_unreadable,
            workers=options.workers,
            accelerator=options.accelerator,
            quiet=options.json,
        )
        for model in models
    ]
    result = job.fused(results[0], results[1], options.fusion) if options.flow else results[0]
    if options.out:
        job.write_evaluation(result, Path(options.out))
    if options.json:
        print(json.dumps(result.to_dict()))
    else:
        job.print_evaluation(result)


def evaluate_stream(arguments: Arguments) -> None:
    """misses, delay and false alarms per hour of a model on long recordings with labelled spans"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview evaluate", description=evaluate_stream.__doc__)
    parser.add_argument("model", help="a Farview model (.safetensors)")
    parser.add_argument(
        "--stream", required=True, metavar="SPANS.csv", help="with the columns path,start,end,label (seconds)"
    )
    parser.add_argument(
        "--tolerance", type=float, help="seconds after its end to find a span in (default: a window)"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    watch_options(parser)
    options = parser.parse_args(arguments)

    from farview.deploy.watch import stream as job

    settings = watch_settings(options)
    result = job.evaluate_stream(options.model, options.stream, settings, options.tolerance, options.json)
    if options.json:
        print(json.dumps(result.to_dict()))
    else:
        job.print_stream_evaluation(result)


def predict(arguments: Arguments) -> None:
    """named labels and scores for video files, folders of images or arrays"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview predict", description=predict.__doc__)
    parser.add_argument("model", help="a Farview model (.safetensors), or what farview export made of it")
    parser.add_argument("videos", nargs="+", metavar="video", help="HR or eLR; HR is degraded as in training")
    parser.add_argument("--top", type=int, default=5, help="how many labels (default 5)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with every class")
    options = parser.parse_args(arguments)

    from farview.deploy import predict as job

    failed = job.predict_files(options.model, options.videos, options.top, options.json)
    if failed:
        raise FarviewError(f"{failed} of {len(options.videos)} videos could not be read; see above")


def explain(arguments: Arguments) -> None:
    """spatial attention over the frames and the temporal attention bar, as PNG or MP4"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview explain", description=explain.__doc__)
    parser.add_argument("model", help="a Farview model (.safetensors)")
    parser.add_argument("video", help="a video, folder of images or array")
    parser.add_argument("--out", help="a .png or .mp4 (default: VIDEO's name with .explained.png, here)")
    parser.add_argument(
        "--teacher", help="T-Net's model: adds its attention, what was lost and the confidence"
    )
    options = parser.parse_args(arguments)

    from farview.experiments import explain as job

    print(job.explain(options.model, options.video, options.out, options.teacher))


def figures(arguments: Arguments) -> None:
    """the paper's Fig. 3, 6, 7, 9 and 10 of your own networks, for print: PNG, PDF, captions, facts"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview figures", description=figures.__doc__)
    parser.add_argument(
        "place",
        metavar="run",
        help="folder of farview train or demo, or a model, of which there is only Fig. 3",
    )
    parser.add_argument("--out", default="figures", help="folder of the figures (default figures)")
    parser.add_argument(
        "--clips", nargs="+", default=[], help="paths or ids; Fig. 3 and 9 show the first (default: by rule)"
    )
    parser.add_argument(
        "--only", nargs="+", type=int, choices=(3, 6, 7, 9, 10), default=[], help="(default all)"
    )
    parser.add_argument(
        "--part",
        choices=["test", "val", "train"],
        default="test",
        help="of the data, to choose from (default test)",
    )
    parser.add_argument(
        "--formats", nargs="+", choices=["png", "pdf"], default=["png", "pdf"], help="(default both)"
    )
    parser.add_argument("--dpi", type=int, default=300, help="dots per inch of pictures (default 300)")
    parser.add_argument("--store", help="folder of the frame store (default: the run's)")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)

    from farview.experiments.figures import draw as job

    job.figures(**vars(options))


def cost(arguments: Arguments) -> None:
    """parameters and multiply-adds of the paper's networks, or of any recipe's or model's"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview cost", description=cost.__doc__)
    parser.add_argument("target", nargs="?", help="a recipe or a model; default: the paper's two networks")
    parser.add_argument("--classes", type=int, help="of a recipe (default: those of its data, else 101)")
    parser.add_argument(
        "--channels", type=int, choices=(1, 3), help="of a recipe (default: those of its data, else 3)"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")
    options = parser.parse_args(arguments)

    from farview.experiments import cost as job

    rows = job.costs(options.target, options.classes, options.channels)
    if options.json:
        print(json.dumps(rows))
    else:
        job.print_costs(rows)


def table(arguments: Arguments) -> None:
    """the paper's Tables I to V, or what came after it, on your data beside the paper's own numbers"""
    from argparse import ArgumentParser

    parser = ArgumentParser(
        "farview table",
        description=table.__doc__,
        epilog="Further --section.key VALUE go to every cell's recipe.",
    )
    parser.add_argument("number", choices=("1", "2", "3", "4", "5", "beyond"), help="of the table")
    parser.add_argument("--data", default="mime", help="kind:folder, for example ucf101:/data/ucf101")
    parser.add_argument("--scale", choices=("paper", "small"), default="small", help="(default small)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="(default 0)")
    parser.add_argument("--splits", nargs="+", default=["1"], help="(default 1)")
    parser.add_argument("--rows", nargs="+", help="names of rows (default: all)")
    parser.add_argument("--columns", nargs="+", help="resnet, r2plus1d (default: as in the paper)")
    parser.add_argument("--pool", help="kind:folder of unlabeled clips, for the row with ut")
    parser.add_argument("--recipe", help="in place of the scale's (column resnet)")
    parser.add_argument("--choices", help="YAML list of settings; each row takes the best on held-out clips")
    parser.add_argument(
        "--choose_on",
        "--choose-on",
        nargs="+",
        default=[],
        help="splits that decide (default: validation clips)",
    )
    parser.add_argument("--out", help="folder of the results (default runs/tableN)")
    parser.add_argument("--jobs", type=int, default=1, help="cells at once on this machine (default 1)")
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="ray: spread over a cluster"
    )
    parser.add_argument("--part", choices=("test", "validation"), default="test", help="(default test)")
    parser.add_argument("--unit", choices=("clip", "group"), default="clip", help="what intervals draw anew")
    parser.add_argument("--quiet", action="store_true", help="no progress, no table")
    options, overrides = parser.parse_known_args(spelled(arguments))

    from farview.experiments.tables import table as job
    from farview.experiments.tables.cells import Request

    request = Request(
        data=options.data,
        scale=options.scale,
        seeds=tuple(options.seeds),
        splits=tuple(options.splits),
        rows=tuple(options.rows) if options.rows else None,
        columns=tuple(options.columns) if options.columns else None,
        pool=options.pool,
        recipe=options.recipe,
        out=options.out or f"runs/table{options.number}",
        overrides=tuple(overrides),
        choices=options.choices,
        choose_on=tuple(options.choose_on),
    )
    job.table(
        options.number, request, options.jobs, options.engine, options.part, options.unit, options.quiet
    )


def sweep(arguments: Arguments) -> None:
    """accuracy against resolution and against clips per class on your data, and whether it tells who it is"""
    from argparse import ArgumentParser

    parser = ArgumentParser(
        "farview sweep", description=sweep.__doc__, epilog="Further --section.key VALUE go to every recipe."
    )
    parser.add_argument("data", help="kind:folder, for example folder:/data/mine")
    parser.add_argument(
        "--resolutions", nargs="*", default=["6x8", "12x16", "18x24", "24x32"], help="height x width"
    )
    parser.add_argument(
        "--per_class", "--per-class", type=int, nargs="*", default=[], help="training clips a class"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="(default 0)")
    parser.add_argument("--splits", nargs="+", default=["1"], help="(default 1)")
    parser.add_argument("--recipe", help="in place of the usual one for this kind of data")
    parser.add_argument("--out", default="runs/sweep", help="folder of the results (default runs/sweep)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once on this machine (default 1)")
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="ray: spread over a cluster"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options, overrides = parser.parse_known_args(spelled(arguments))

    from farview.experiments.tables import sweep as job
    from farview.experiments.tables.cells import Request

    request = Request(
        data=options.data,
        seeds=tuple(options.seeds),
        splits=tuple(options.splits),
        recipe=options.recipe,
        out=options.out,
        overrides=tuple(overrides),
    )
    sizes = tuple(map(height_and_width, options.resolutions))
    job.sweep(request, sizes, tuple(options.per_class), options.jobs, options.engine, options.quiet)


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


def watch(arguments: Arguments) -> None:
    """live labels from a camera, an address, a video or eLR recording, a folder that fills, or many of them"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview watch", description=watch.__doc__)
    parser.add_argument("model", help="a Farview model (.safetensors), or what farview export wrote")
    parser.add_argument(
        "source", nargs="?", help="number of a camera, rtsp:// or http:// address, video, folder that fills"
    )
    parser.add_argument("--sources", help="file with a line each: a name and a source")
    watch_options(parser)
    parser.add_argument("--pace", action="store_true", help="play a file at its own speed")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--on", action="append", default=[], metavar="LABEL", help="what sets off the next two (default: all)"
    )
    parser.add_argument(
        "--exec", metavar="COMMAND", help="run when it begins; FARVIEW_LABEL and more in its environment"
    )
    parser.add_argument("--webhook", metavar="ADDRESS", help="post JSON when it begins")
    options = parser.parse_args(arguments)

    from farview.deploy.watch import watch as job

    job.watch(
        options.model,
        options.source,
        options.sources,
        watch_settings(options),
        options.json,
        options.pace,
        options.on,
        options.exec,
        options.webhook,
    )


def watch_options(parser: Any) -> None:
    """The options of `farview.deploy.watch.setup.Settings`."""
    parser.add_argument("--hop", type=float, default=1, help="seconds between decisions (default 1)")
    parser.add_argument(
        "--window", type=float, help="seconds that one looks back (default: as long as a training clip)"
    )
    parser.add_argument(
        "--rate", type=float, help="frames per second of the time grid (default: of the training clips)"
    )
    parser.add_argument(
        "--smooth",
        type=float,
        default=0,
        help="seconds until a decision weighs 1/e (default 0: no smoothing)",
    )
    parser.add_argument(
        "--threshold", type=float, help="least score of a sure answer (default: as calibrated)"
    )
    parser.add_argument(
        "--calibrate", metavar="PREDICTIONS.csv", help="of held-out clips (default: as training did)"
    )
    parser.add_argument(
        "--precision",
        type=float,
        help="share of sure answers to be right, with --calibrate (default 0.9)",
    )


def watch_settings(options: Any) -> Any:
    """The `Settings` in parsed options."""
    from farview.deploy.watch.setup import Settings

    return Settings(
        options.hop,
        options.window,
        options.rate,
        options.smooth,
        options.threshold,
        options.calibrate,
        options.precision,
    )


def export(arguments: Arguments) -> None:
    """a trained model as one file that runs without PyTorch: ONNX or OpenVINO, float32 or int8, checked"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview export", description=export.__doc__)
    parser.add_argument("model", help="a Farview model (.safetensors)")
    parser.add_argument(
        "--format",
        choices=["onnx", "openvino", "program"],
        default="onnx",
        help="program: for torch.export.load (default onnx)",
    )
    parser.add_argument("--int8", action="store_true", help="whole numbers in place of float32: quicker")
    parser.add_argument("--out", help="default: MODEL's name with .FORMAT.zip, here")
    parser.add_argument(
        "--calibrate",
        nargs="+",
        default=[],
        metavar="DATA",
        help="int8: kind:folder whose training clips give its ranges (default: what the model was trained on)",
    )
    parser.add_argument(
        "--check",
        nargs="+",
        default=[],
        metavar="DATA|VIDEO",
        help="clips to compare with PyTorch on; of kind:folder its test clips (default: those of the training's data)",
    )
    parser.add_argument(
        "--allow-drop", action="store_true", help="write int8 even if it costs more than a point of Prec@1"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)

    from farview.deploy import export as job

    job.print_check(*job.export(**vars(options)))


def serve(arguments: Arguments) -> None:
    """a web page and an HTTP API: clips, eLR frames, live cameras that are degraded in the browser"""
    import os

    from farview.deploy.serve import run as job  # first: what it lacks names the extra that brings all
    from farview.deploy.serve.limits import Limits

    # isort: split
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(prog="farview serve", description=serve.__doc__)
    parser.add_argument(
        "model", help="a Farview model (.safetensors) for eLR frames, or what farview export made of it"
    )
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: every network of this machine")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--token",
        default=os.environ.get("FARVIEW_TOKEN"),
        help="that clients must send: 16 or more letters, digits, '-', '.', '_' or '~' (default: $FARVIEW_TOKEN; "
        "else, where other machines can ask, a new one)",
    )
    parser.add_argument("--tls", nargs="*", metavar="FILE", help="certificate and key; none: signs itself")
    parser.add_argument(
        "--replicas", type=int, help="so many under Ray Serve, on the cluster of $RAY_ADDRESS or here"
    )
    parser.add_argument("--rate", type=float, default=25.0, help="live frames a second")
    parser.add_argument("--window", type=float, default=3.0, help="seconds that a live answer is about")
    parser.add_argument("--hop", type=float, default=0.25, help="seconds between live answers")
    parser.add_class_arguments(Limits, "limit")
    options = parser.instantiate_classes(parser.parse_args(spelled(arguments)))

    given = {key: value for key, value in vars(options).items() if key != "limit"}
    job.serve(**given, limits=options.limit)


def height_and_width(text: str) -> tuple[int, int]:
    """`12x16` as (12, 16)."""
    height, x, width = text.partition("x")
    if not (x and height.isdecimal() and width.isdecimal()):
        raise FarviewError(f"--resolutions: '{text}'; expected height x width, for example 12x16")
    return int(height), int(width)


VERBS: dict[str, Callable[[Arguments], None]] = {
    "demo": demo,
    "scan": scan,
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "explain": explain,
    "figures": figures,
    "cost": cost,
    "table": table,
    "sweep": sweep,
    "record": record,
    "fit-sensor": fit_sensor,
    "render": render,
    "watch": watch,
    "export": export,
    "serve": serve,
}


RESUMED = {"demo", "train", "table", "sweep"}
"""Verbs that train: what was cut goes on."""


def data_parser(prog: str, description: str | None, model: bool = False) -> Any:
    """A parser with a positional data set and the options of `DataConfig`."""
    from jsonargparse import ArgumentParser

    from farview.data.config import DataConfig

    parser = ArgumentParser(prog=prog, description=description)
    if model:
        parser.add_argument("model", help="a Farview model (.safetensors)")
    parser.add_argument("source", metavar="data", help="kind:folder, for example ucf101:/data/ucf101")
    parser.add_class_arguments(DataConfig, skip={"source", "val_share", "pool", "pool_share"})
    return parser


SWITCHES = {
    "available_only",
    "box",
    "differences",
    "flip",
    "rolling",
    "binary",
    "centred",
    "freeze_norm",
    "skip_unreadable",
}


def spelled(arguments: Arguments) -> Arguments:
    """`--available-only` as `--available_only=true`: dashes or underscores, switches with or without a value."""
    result = []
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            name = "--" + name[2:].replace("-", "_")
            bare = not equals and following.lower() not in ("true", "false")
            word = name + ("=true" if bare and name[2:].split(".")[-1] in SWITCHES else equals + value)
        result.append(word)
    return result


def data_config(options: Any) -> Any:
    """The `DataConfig` in parsed options."""
    from dataclasses import fields

    from farview.data.config import DataConfig

    given = {f.name: getattr(options, f.name) for f in fields(DataConfig) if hasattr(options, f.name)}
    return DataConfig(**given)


def model_data_defaults(parser: Any, arguments: Arguments) -> None:
    """Options not given are those that the model was trained with, where the kind of data is the same."""
    from pathlib import Path

    from farview.models.contract import read_contract

    places = [word for word in arguments if not word.startswith("-")]
    if len(places) < 2 or not Path(places[0]).is_file():
        return
    trained = read_contract(Path(places[0])).trained.get("data", {})
    if trained.get("source", "").partition(":")[0] == places[1].partition(":")[0]:
        parser.set_defaults(
            {key: trained[key] for key in trained if key != "source" and parser_has(parser, key)}
        )


def parser_has(parser: Any, key: str) -> bool:
    """Whether the parser knows an option."""
    return any(action.dest == key for action in parser._actions)


def usage() -> str:
    """What `farview --help` prints."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:{width}}  {verb.__doc__}" for name, verb in VERBS.items())
    return (
        f"farview {__version__}: recognises what people do in video of about 12x16 pixels\n\n"
        f"usage: farview VERB ... [--debug]\n\n{verbs}\n\nfarview VERB --help tells more."
    )


def main(arguments: Arguments | None = None) -> None:
    """Run one verb; a user's error is one line and exit status 1, a traceback only with `--debug`."""
    import os

    # PyTorch's threads must not spin while they wait; this has to be set before it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [word for word in arguments if word != "--debug"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return
    if arguments[0] in ("--version", "-V"):
        print(__version__)
        return
    name, rest = arguments[0], arguments[1:]
    try:
        if name not in VERBS:
            import difflib

            near = difflib.get_close_matches(name, VERBS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "farview --help lists the verbs"
            raise FarviewError(f"'{name}' is no verb; {hint}")
        with extras_named(f"farview {name}"):
            VERBS[name](rest)
    except FarviewError as error:
        if debug:
            raise
        sys.exit(f"farview: {error}")
    except KeyboardInterrupt:
        if debug:
            raise
        goes_on = "; the same command goes on from the last finished epoch" if name in RESUMED else ""
        print(f"farview: interrupted{goes_on}", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        text = " ".join(str(error).split()) or "no message"
        sys.exit(f"farview: {type(error).__name__}: {text} (unexpected; --debug shows where)")
