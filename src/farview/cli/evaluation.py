"""Verbs that look at data, measure models on it and compare what was measured: scan, evaluate, compare."""

import json

from farview.cli.options import data_config, data_parser, model_data_defaults, watch_options, watch_settings
from farview.cli.words import Arguments, spelled
from farview.errors import FarviewError


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
    parser.add_argument("--fusion", type=float, nargs=2, help="their weights (default 1 1)")
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
    from farview.training.recipe import check_fusion

    fusion = options.fusion or (1.0, 1.0)
    if options.flow:
        check_fusion("--fusion", fusion)
        job.check_streams(options.model, options.flow)
    elif options.fusion:
        parser.error("--fusion weighs two models: name the one of flow by --flow")
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
    result = job.fused(results[0], results[1], fusion) if options.flow else results[0]
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


def compare(arguments: Arguments) -> None:
    """rows of finished tables against each other: differences with intervals, paired by clip and seed"""
    from argparse import ArgumentParser

    parser = ArgumentParser("farview compare", description=compare.__doc__)
    parser.add_argument("first", help="folder of a finished table, or its results.json")
    parser.add_argument("second", nargs="?", help="another one, whose rows are compared (default: the same)")
    parser.add_argument("--to", help="the row of FIRST to compare with (default: the one of the same name)")
    parser.add_argument("--rows", nargs="+", help="only these rows")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    second = options.second or options.first
    if second == options.first and options.to is None:
        raise FarviewError("one table: name the row to compare the others with by --to, or a second table")

    from dataclasses import asdict

    from farview.experiments.tables import compare as job

    found = job.compare(options.first, second, options.to, options.rows)
    if options.json:
        print(json.dumps([asdict(each) for each in found]))
    else:
        job.print_comparisons(found, options.first, second)
