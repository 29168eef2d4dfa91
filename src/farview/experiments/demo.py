"""The main job on the embedded data set: the verb `farview demo`."""

from pathlib import Path

from farview.experiments.charts import LABELS
from farview.experiments.pictures import need_viz
from farview.experiments.report import write_report
from farview.experiments.results import Results, verdict
from farview.training.phases import run
from farview.training.recipe import read_recipe


def demo(seed: int = 0, out: str = "runs/demo", quiet: bool = False) -> Results:
    """Train T-Net, S-Net and CSTAT on `mime`, evaluate them, and write `report.html` and `results.json` into `out`.

    `seed` chooses the people, scenes and first weights. What was trained before by the same command is reused.
    Returns what `results.json` holds.
    """
    need_viz()  # before minutes of training
    recipe = read_recipe("mime", ["--data.source", f"mime:{seed}", "--seed", str(seed), "--out", out])
    finished = run(recipe, quiet)
    if not quiet:
        print("writing the page", flush=True)
    folder = Path(out).expanduser()
    results = write_report(finished, folder, title="Actions in 12×16 pixels")
    if not quiet:
        for name, label in LABELS.items():
            low, high = results[name]["ci95"]
            print(f"{label:6} prec@1 {results[name]['prec1']:.1f} %  (95 % interval {low:.1f} to {high:.1f})")
        print("\n".join(verdict(results)))
        print(f"page    {(folder / 'report.html').resolve()}")
    return results
