"""Verbs about what a network says, sees and costs: predict, explain, figures, cost."""

import json

from farview.cli.words import Arguments
from farview.errors import FarviewError


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
