"""Run a recipe and report on it: the verb `farview train`."""

from pathlib import Path

from farview.errors import FarviewError
from farview.experiments.report import write_report
from farview.training.phases import Run, leads, run
from farview.training.recipe import Recipe


def train(recipe: Recipe, quiet: bool = False) -> Run:
    """Train what is not trained yet; write `report.html` and `results.json` into the run's folder.

    Where the extra `viz` is not installed, the page alone is left out, and it is said how to have it.
    """
    finished = run(recipe, quiet)
    if not leads():
        return finished
    out = Path(recipe.out).expanduser()
    for path in finished.models.values():
        print(f"model    {path}")
    try:
        write_report(finished, out, title=f"{finished.clips.data.name}: what {out.name} learned")
        print(f"report   {out / 'report.html'}")
    except FarviewError as error:
        print(f"no page: {error}")
    return finished
