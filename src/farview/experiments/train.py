"""Run a recipe and report on it: the verb `farview train`."""

from farview.experiments.report import write_report
from farview.training.phases import Run, run
from farview.training.recipe import Recipe


def train(recipe: Recipe, quiet: bool = False) -> Run:
    """Train what is not trained yet; write `report.html` and `results.json` into the run's folder."""
    from pathlib import Path

    finished = run(recipe, quiet)
    out = Path(recipe.out).expanduser()
    write_report(finished, out, title=f"{finished.clips.data.name}: what {out.name} learned")
    if not quiet:
        print(f"report   {out / 'report.html'}")
        for path in finished.models.values():
            print(f"model    {path}")
    return finished
