"""Farview recognises what people do in video of about 12x16 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from farview.deploy.predict import Model

__version__ = "0.1.0"


def load(path: str | Path) -> Model:
    """A trained model: `farview.load("cstat.safetensors").predict("clip.mp4")` gives named labels and scores.

    Raises `farview.errors.FarviewError` where `path` is no Farview model.
    """
    from farview.deploy.predict import Model

    return Model(path)
