"""One page that shows what a finished run learned, and the same figures as `results.json`."""

from html import escape
from pathlib import Path

from farview.experiments.charts import LABELS
from farview.experiments.examples import samples
from farview.experiments.insight import attention, evidence
from farview.experiments.page import page
from farview.experiments.pictures import need_viz
from farview.experiments.results import Results, results_of
from farview.experiments.sections import accuracy, confusions, cost, embedding, recipe, training
from farview.frames.files import atomic_write
from farview.training.phases import Run, write_json


def write_report(run: Run, out: Path, title: str) -> Results:
    """Write `out/report.html`, a page that needs nothing beside itself, and `out/results.json`; return the figures.

    Example clips are the first test clips of classes that are evenly spread over the list of classes; none is
    chosen for its looks. What a run cannot show (no test clips, a phase that did not run) is left out with a
    word why. Raises FarviewError where the extra `viz` is missing; `results.json` is written before.
    """
    results = results_of(run, title)
    write_json(out / "results.json", results)
    need_viz()
    body = "\n".join(
        (
            heading(results),
            accuracy(results),
            samples(run),
            *attention(run),
            evidence(run),
            confusions(run, results),
            embedding(run),
            training(run),
            cost(results),
            recipe(run),
        )
    )
    with atomic_write(out / "report.html") as file:
        file.write(page(title, body).encode())
    return results


def heading(results: Results) -> str:
    """Title, what the reader sees, and what it was made from."""
    height, width = results["sensor"]
    clips = results["clips"]
    facts = (
        f"{results['data']}, {len(results['classes'])} classes; {clips['train']} clips to train, {clips['val']} to "
        f"validate, {clips['test']} to test{pool(results)}; seed {results['seed']}; farview {results['farview']}, "
        f"{results['created'][:16].replace('T', ' ')}"
    )
    small = f"{height}×{width} pixels"
    networks = {
        "teacher": "T-Net sees the high-resolution (HR) video",
        "student": f"S-Net sees only {small} (eLR)",
        "cstat": f"CSTAT sees the same {small}, after it learned from T-Net where and when to look",
    }
    trained = "; ".join(text for name, text in networks.items() if results[name])
    many = "Networks learn the same actions" if trained.count(";") else "One network learns actions"
    lead = escape(f"{many}: {trained}.")
    for name in LABELS.values():
        lead = lead.replace(name, f'<span class="name">{name}</span>')
    lines = "\n".join(f'<p class="facts">{escape(fact)}</p>' for fact in (facts, *results["notes"]))
    return f'<h1>{escape(results["title"])}</h1>\n{lines}\n<p class="lead">{lead}</p>'


def pool(results: Results) -> str:
    """The clips beside the labelled ones, where there are any."""
    clips = results["clips"]
    unlabeled = f", {clips['pool']} unlabeled" if clips["pool"] else ""
    return unlabeled + (f", {clips['unreadable']} unreadable and left out" if clips["unreadable"] else "")
