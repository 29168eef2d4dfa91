"""Named labels and scores: `farview.load(path).predict(recording)` and the verb `farview predict`."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from farview.deploy.runner import open_model
from farview.errors import FarviewError
from farview.models.sight import Recording, look


@dataclass(frozen=True)
class Prediction:
    """What a model says of one recording."""

    label: str
    """The most likely class."""
    score: float
    """Its probability, 0..1."""
    scores: dict[str, float]
    """Every class with its probability, the most likely first."""
    attention: tuple[float, ...]
    """Weight of each of the K intervals; they sum to 1."""

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "label": self.label,
            "score": self.score,
            "scores": self.scores,
            "attention": list(self.attention),
        }


class Model:
    """A trained model, ready to use. Example: `farview.load("cstat.safetensors").predict("clip.mp4").label`"""

    def __init__(self, path: str | Path) -> None:
        """`path`: a model file, or an exported one, which needs no PyTorch. Raises `FarviewError` for others."""
        self.runner = open_model(path)
        self.contract = self.runner.contract
        self.classes = self.contract.classes

    def predict(self, recording: Recording) -> Prediction:
        """Recognise one recording of any number of frames.

        HR frames are degraded first, exactly as in training; frames of the sensor's own size are taken as they
        are. Raises `UnreadableClip` or `FarviewError` where the frames cannot be had.
        """
        features = self.runner.features(look(recording, self.contract).seen)[None]  # (1, K, D)
        probabilities = self.runner.decide(features)[0]
        order = np.argsort(-probabilities, kind="stable")
        scores = {self.classes[i]: float(probabilities[i]) for i in order}
        best = self.classes[order[0]]
        return Prediction(best, scores[best], scores, tuple(self.runner.attend(features)[0].tolist()))


def predict_files(model: str | Path, videos: list[str], top: int = 5, as_json: bool = False) -> int:
    """Print what the model says of each file, a line (or a JSON object) each; returns how many were unreadable.

    An unreadable file is reported on standard error and the others go on.
    """
    loaded = Model(model)
    failed = 0
    for video in videos:
        try:
            prediction = loaded.predict(video)
        except FarviewError as error:
            failed += 1
            print(f"farview: {error}", file=sys.stderr)
            if as_json:
                print(json.dumps({"video": video, "error": str(error)}), flush=True)
            continue
        if as_json:
            print(json.dumps({"video": video, **prediction.to_dict()}), flush=True)
        else:
            first = list(prediction.scores.items())[: max(1, top)]
            print(f"{video}: " + ", ".join(f"{name} {score:.3f}" for name, score in first), flush=True)
    return failed
