"""Options that several verbs share."""

from typing import Any

from farview.cli.words import Arguments


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


def data_config(options: Any) -> Any:
    """The `DataConfig` in parsed options."""
    from dataclasses import fields

    from farview.data.config import DataConfig

    given = {f.name: getattr(options, f.name) for f in fields(DataConfig) if hasattr(options, f.name)}
    return DataConfig(**given)


def model_data_defaults(parser: Any, arguments: Arguments) -> None:
    """Options not given are those that the model was trained with, where the kind of data is the same."""
    from pathlib import Path

    from farview.models.contract import is_rival, read_contract

    places = [word for word in arguments if not word.startswith("-")]
    if len(places) < 2 or not Path(places[0]).is_file():
        return
    if is_rival(places[0]):
        from farview.rivals.pot_file import read_description

        trained = read_description(Path(places[0]))["trained"].get("data", {})
    else:
        trained = read_contract(Path(places[0])).trained.get("data", {})
    if trained.get("source", "").partition(":")[0] == places[1].partition(":")[0]:
        parser.set_defaults(
            {key: trained[key] for key in trained if key != "source" and parser_has(parser, key)}
        )


def parser_has(parser: Any, key: str) -> bool:
    """Whether the parser knows an option."""
    return any(action.dest == key for action in parser._actions)


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
