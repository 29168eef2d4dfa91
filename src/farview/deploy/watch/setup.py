"""What a watch is made of: the model, its plan on the time grid, its calibration, and a channel for each source."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview.deploy.runner import Runner, open_model
from farview.deploy.watch.answer import Answer, Answers
from farview.deploy.watch.grid import Plan, plan
from farview.deploy.watch.window import Window
from farview.errors import FarviewError, extras_named
from farview.frames.source import Image
from farview.models.contract import Contract
from farview.models.sight import see
from farview.training.calibration import PRECISION, Calibration, calibrate
from farview.training.scores import read_scores

RATE = 25.0
"""Frames per second of the grid where neither the user nor the model's training says."""


@dataclass(frozen=True)
class Settings:
    """The options of `farview watch` that decide what is answered."""

    hop: float = 1.0
    """Seconds from one decision to the next."""
    window: float | None = None
    """Seconds that a decision looks back; None: the length of the training clips, else K hops."""
    rate: float | None = None
    """Frames per second of the grid; None: that of the training clips, else 25."""
    smooth: float = 0.0
    """Seconds after which a decision weighs 1 / e of what it did."""
    threshold: float | None = None
    """Least score of a sure answer; None: the calibrated one."""
    predictions: str | Path | None = None
    """`predictions.csv` of held-out clips to calibrate on; None: as the model's training did, if it held out any."""
    precision: float | None = None
    """Share of the sure answers that shall be right, with `predictions`; None: 0.9."""


@dataclass(frozen=True)
class Setup:
    """A model ready to watch."""

    runner: Runner
    plan: Plan
    calibration: Calibration
    smooth: float

    @property
    def contract(self) -> Contract:
        return self.runner.contract

    @property
    def hop(self) -> float:
        """Seconds from one decision to the next."""
        return self.plan.hop / self.plan.rate

    def channel(self, name: str) -> "Channel":
        """For one source."""
        answers = Answers(self.contract.classes, self.calibration, self.hop, self.smooth)
        return Channel(name, Window(self.plan, self.contract.intervals, self.contract.flow), answers)

    def told(self) -> str:
        """What a user should know before the first answer."""
        threshold = self.calibration.threshold
        sure = "every answer is sure (no threshold)" if not threshold else f"sure from {threshold:.2f} on"
        return f"a decision every {self.hop:.3g} s over the last {self.plan.seconds:.3g} s; {sure}"

    def see(self, image: Image, number: int) -> Image:
        """Frame `number` of a source, (H, W, C), as the model's camera gives it, (h, w, C)."""
        return see(image[None], np.array([number]), self.contract)[0]


@dataclass
class Channel:
    """One source: its window, its answers."""

    name: str
    window: Window
    answers: Answers

    def answer(self, probabilities: NDArray[np.floating]) -> Answer:
        """What to say after a decision (classes,)."""
        fresh, self.window.fresh = self.window.fresh, False
        return self.answers.answer(probabilities, fresh)


@dataclass(frozen=True)
class Report:
    """One answer with what a user must know of it."""

    source: str
    seconds: float
    """Time of the newest frame: of a recording since its beginning, of a live source since watching began."""
    answer: Answer
    load: float
    """Share of the hop that was spent computing."""
    time: str | None = None
    """The same by the clock on the wall, ISO 8601; live sources only."""
    age: float | None = None
    """Seconds since the newest frame was taken; live sources only."""
    dropped: int = 0
    """Frames that came and were not looked at, since recognition was too slow."""
    skipped: int = 0
    """Decisions left out for a newer one."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        answer = self.answer
        live = {} if self.time is None else {"time": self.time}
        return {
            "source": self.source,
            **live,
            "seconds": round(self.seconds, 3),
            "label": answer.label,
            "best": answer.best,
            "score": round(answer.score, 6),
            "scores": {name: round(score, 6) for name, score in answer.scores.items()},
            "age": None if self.age is None else round(self.age, 3),
            "load": round(self.load, 4),
            "dropped": self.dropped,
            "skipped": self.skipped,
        }

    def to_line(self) -> str:
        """For people."""
        answer = self.answer
        said = answer.label if answer.sure else f"{answer.label} ({answer.best}?)"
        when = f"{self.seconds:8.1f} s" if self.time is None else self.time[11:19]
        age = "" if self.age is None else f"  age {self.age:.2f} s"
        lost = f"  dropped {self.dropped}, skipped {self.skipped}" if self.dropped or self.skipped else ""
        return f"{when}  {said} {answer.score:.2f}{age}  load {100 * self.load:.0f} %{lost}"


def set_up(model: str | Path, settings: Settings) -> Setup:
    """Raises `FarviewError` for a model or a setting that cannot be used."""
    runner = open_model(model)
    contract = runner.contract
    pace = contract.trained.get("pace", {})
    rate, window = settings.rate, settings.window
    if rate is None:
        rate = pace.get("rate", RATE)
    if window is None and pace:
        window = pace["frames"] / pace.get("rate", rate)
    calibration = calibration_of(contract, settings)
    return Setup(runner, plan(contract.intervals, rate, settings.hop, window), calibration, settings.smooth)


def calibration_of(contract: Contract, settings: Settings) -> Calibration:
    """From given predictions, else the model's own, else none; a given threshold goes before."""
    precision = PRECISION if settings.precision is None else settings.precision
    if settings.predictions is not None:
        scores = read_scores(Path(settings.predictions), contract.classes)
        with extras_named("--calibrate"):
            made = calibrate(scores.probabilities, scores.labels, precision)
        if made.threshold is None and settings.threshold is None:
            raise FarviewError(
                f"{settings.predictions}: no threshold makes {precision:.0%} of the answers right; "
                "ask for less by --precision, or name a --threshold"
            )
    elif settings.precision is not None:
        raise FarviewError("--precision: is for --calibrate; name the predictions of held-out clips as well")
    else:
        made = Calibration(**contract.trained.get("calibration", {}))
    if settings.threshold is None:
        return made
    if not 0 <= settings.threshold <= 1:
        raise FarviewError(f"--threshold: {settings.threshold} must be a probability, 0 to 1")
    return Calibration(made.temperature, settings.threshold)
