"""The paper's figures for one's own networks: the verb `farview figures`."""

import json
from collections.abc import Callable, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

from farview import __version__
from farview.console import progress
from farview.data.clip import Part
from farview.errors import FarviewError
from farview.experiments.embedding import EMBEDDED, EMBEDDED_CLASSES
from farview.experiments.figures import attention, confidence, features, lost, stages
from farview.experiments.figures.clips import examples_of
from farview.experiments.figures.shared import Made, title
from farview.experiments.figures.sheet import STYLE
from farview.experiments.figures.subject import Example, Subject, open_subject
from farview.experiments.pictures import need_viz
from farview.frames.files import atomic_write
from farview.training.phases import write_json
from farview.training.recipe import PHASES, Phase

Figure = Callable[[Subject, Sequence[Example]], Made]
FIGURES: dict[int, Figure] = {3: stages.draw, 6: lost.draw, 7: confidence.draw, 9: attention.draw}
"""Figures of a few clips, by their number in the paper; Fig. 10 is of all."""
NUMBERS = (3, 6, 7, 9, 10)
RULE_OF_10 = (
    f"Classes: at most {EMBEDDED_CLASSES}, evenly spread over the list of classes; of each the first clips, at most "
    f"{EMBEDDED} together."
)
FACTS, CAPTIONS = "figures.json", "captions.md"


def figures(
    place: str | Path,
    out: str | Path = "figures",
    clips: Sequence[str] = (),
    only: Sequence[int] = (),
    part: Part = "test",
    formats: Sequence[str] = ("png", "pdf"),
    dpi: int = 300,
    store: str | Path | None = None,
    quiet: bool = False,
) -> list[Path]:
    """Write `out/fig3.png`, `fig3.pdf` and so on, `figures.json` (facts) and `captions.md`; return the figures' paths.

    Args:
        place: A run's folder, or a model file, of which there is only Fig. 3.
        clips: Paths or ids of the clips to show; Fig. 3 and 9 show the first. Default: by rule, of distinct classes.
        only: Numbers of figures; default: all that the networks and clips allow.
        part: Which clips are chosen from, and shown by Fig. 10.
        formats: png, pdf.
        dpi: Dots per inch of the PNG and of the pictures in the PDF.
        store: Folder of the frame store; default: the run's.

    What other figures in `out` say of themselves stays in `figures.json`. Raises FarviewError where a figure in `only`
    needs networks or clips that are not there, a clip cannot be read, or the extra `viz` is missing.
    """
    need_viz()
    if dpi < 1:
        raise FarviewError(f"--dpi: {dpi}; expected a number above 0, for example 300")
    subject = open_subject(place, part, store)
    numbers = possible(subject, only, quiet)
    examples: list[Example] = []
    if set(numbers) & FIGURES.keys():
        examples, rule = examples_of(subject, clips)
    written = []
    for number in numbers:
        with style():
            if number in FIGURES:
                made = FIGURES[number](subject, examples)
                chosen = rule if number in (6, 7) else f"{rule} This is the first of these clips."
            else:
                with progress("Fig. 10, clips", quiet) as update:
                    made = features.draw(subject, update)
                chosen = RULE_OF_10
            files = [save(made, Path(out), number, kind, dpi) for kind in formats]
        keep(Path(out), number, about(subject) | {"chosen": chosen, "caption": made.caption} | made.facts)
        written += files
        if not quiet:
            print("  ".join(map(str, files)), flush=True)
    return written


def possible(subject: Subject, only: Sequence[int], quiet: bool) -> list[int]:
    """The figures to make. Raises FarviewError where one of `only` cannot be."""
    numbers = []
    for number in only or NUMBERS:
        found = obstacle(subject, number)
        if found is None:
            numbers.append(number)
        elif only:
            raise FarviewError(f"{subject.place}: {found[0]}; {found[1]}")
        elif not quiet:
            print(f"left out: {found[0]}", flush=True)
    return numbers


def obstacle(subject: Subject, number: int) -> tuple[str, str] | None:
    """Why a figure cannot be made, if so, and what to do."""
    missing = [title(phase) for phase in needs(subject, number) if phase not in subject.networks]
    if missing:
        remedy = "name the folder of a run that trained all three networks, or take --only 3"
        return f"Fig. {number} needs {' and '.join(missing)}", remedy
    reason = features.obstacle(subject) if number == 10 else None
    return None if reason is None else (reason, "leave it out by --only")


def needs(subject: Subject, number: int) -> tuple[Phase, ...]:
    """The networks that a figure shows or compares."""
    if number == 3:
        return ()
    if number == 9:
        return PHASES
    return features.PHASES if number == 10 else ("teacher", subject.student)


def style() -> Any:
    """The context in which figures are made and written."""
    from matplotlib import rc_context

    return rc_context(STYLE)


def save(made: Made, out: Path, number: int, kind: str, dpi: int) -> Path:
    """Write one file; the same figure gives the same bytes."""
    path = out / f"fig{number}.{kind}"
    facts: dict[str, Any] = {"Title": f"Fig. {number}", "Creator": f"farview {__version__}"}
    metadata = facts | {"CreationDate": None} if kind == "pdf" else {"Title": facts["Title"]}
    with atomic_write(path) as file:
        made.drawn.savefig(file, format=kind, dpi=dpi, metadata=metadata)
    return path


def about(subject: Subject) -> dict[str, Any]:
    """Which networks and data a figure is of."""
    contract = subject.contract
    data, sensor = contract.trained.get("data") or {}, contract.sensor
    return {
        "farview": __version__,
        "of": str(subject.place),
        "models": {
            phase: {
                "file": path.name,
                "sha256": digest_of(path),
                "test_prec1": (subject.networks[phase].contract.accuracy.get("test") or {}).get("prec1"),
            }
            for phase, path in subject.files.items()
        },
        "data": data.get("source"),
        "split": data.get("split"),
        "part": subject.part,
        "seeds": {"training": contract.trained.get("seed"), "sensor": sensor.seed if sensor else None},
    }


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def keep(out: Path, number: int, facts: dict[str, Any]) -> None:
    """Add a figure's facts to `figures.json`, and write `captions.md` anew from it."""
    path = out / FACTS
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}  # none yet, or damaged: only what is made now is sure
    known[str(number)] = facts
    known = {str(key): known[str(key)] for key in NUMBERS if str(key) in known}
    write_json(path, known)
    text = "\n\n".join(f"**Fig. {key}.** {each['caption']} {each['chosen']}" for key, each in known.items())
    with atomic_write(out / CAPTIONS, "w") as file:
        file.write(text + "\n")
