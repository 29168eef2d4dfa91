"""Verbs that learn: demo, train, table, sweep."""

from farview.cli.words import Arguments, spelled
from farview.errors import FarviewError


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


def train(arguments: Arguments) -> None:
    """run a recipe's phases (teacher, student, transfer), or a rival's; goes on by itself where a run was cut"""
    from farview.training.recipe import located, parser, read_recipe, recipe_path

    if not arguments or arguments[0] in ("-h", "--help"):
        parser().parse_args(["--help"])
    arguments = spelled(arguments)
    path, overrides = (None, arguments) if arguments[0].startswith("-") else (arguments[0], arguments[1:])
    if any(word.startswith("--print_config") for word in overrides):
        parser().parse_args(([f"--recipe={recipe_path(path)}"] if path else []) + located(overrides))
    recipe = read_recipe(path, overrides)
    if recipe.rival:
        from farview.experiments.rival import train_rival

        train_rival(recipe)
        return

    from farview.experiments import train as job

    job.train(recipe)


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


def height_and_width(text: str) -> tuple[int, int]:
    """`12x16` as (12, 16)."""
    height, x, width = text.partition("x")
    if not (x and height.isdecimal() and width.isdecimal()):
        raise FarviewError(f"--resolutions: '{text}'; expected height x width, for example 12x16")
    return int(height), int(width)
