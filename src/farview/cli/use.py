"""Verbs that put a trained model to use: watch, export, serve."""

from farview.cli.options import watch_options, watch_settings
from farview.cli.words import Arguments, spelled


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
    options = parser.instantiate(parser.parse_args(spelled(arguments)))

    given = {key: value for key, value in vars(options).items() if key != "limit"}
    if options.token is None:
        given["token"] = os.environ.get("FARVIEW_TOKEN")  # as the option's default, --help would print it
    job.serve(**given, limits=options.limit)
