"""Train another method than CSTAT by a recipe: the verb `farview train` where `rival.method` names one."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

from farview.experiments.results import ACCURACY, Results, head_of
from farview.frames.files import atomic_write
from farview.rivals.network_file import load
from farview.rivals.options import config_of, options_of
from farview.rivals.run import check_rival, prepare_rival, run_rival
from farview.training.phases import MODEL, PREDICTIONS, leads, said, write_json, write_yaml
from farview.training.recipe import Recipe


def train_rival(recipe: Recipe, quiet: bool = False) -> Results:
    """Train the rival unless it is done; write into the folder METHOD of the run's `METHOD.safetensors`, `recipe.yaml`
    with every option, of test clips `predictions.csv`, and `results.json`: beside the head of every run `rival` (every
    option), `test` (its accuracy, None without test clips), `multiply_adds` of a video, `parameters` and `seconds` of
    training (without the phases that it builds on). Phases are shared with the recipe's networks.

    Raises FarviewError for an unknown method or option, and where the recipe cannot train it.
    """
    quiet = quiet or not leads()
    config = config_of(recipe.rival or {})
    check_rival(recipe, config)
    recipe = replace(recipe, rival=options_of(config))
    clips = prepare_rival(recipe, config, quiet)
    if not quiet:
        print(said(clips), flush=True)
    out = Path(recipe.out).expanduser() / config.method
    folder = run_rival(recipe, config, clips, quiet)
    model = load(folder / MODEL)
    measured = model.accuracy.get("test")
    results: Results = {
        **head_of(recipe, clips, f"{config.method} on {clips.data.name}"),
        "rival": recipe.rival,
        "test": {key: measured[key] for key in ACCURACY} if measured else None,
        "multiply_adds": model.multiply_adds,
        "parameters": model.parameters,
        "seconds": model.trained["seconds"],
    }
    if leads():
        write(out, folder, config.method, recipe, results)
    return results


def write(out: Path, folder: Path, method: str, recipe: Recipe, results: Results) -> None:
    """What is of use of a rival's phase folder, and what it was made by."""
    written = {MODEL: f"{method}.safetensors", f"test-{PREDICTIONS}": PREDICTIONS}
    for made, name in written.items():
        if (folder / made).is_file():
            with atomic_write(out / name) as target, (folder / made).open("rb") as source:
                shutil.copyfileobj(source, target)
    write_yaml(out / "recipe.yaml", asdict(recipe))
    write_json(out / "results.json", results)
    print(f"model    {out / written[MODEL]}")
