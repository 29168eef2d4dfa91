"""Accuracy figures, all from the logits of every clip."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Accuracy:
    """Figures in percent of one model on one set of clips."""

    prec1: float
    """Prec@1 of whole videos."""
    prec5: float
    """Prec@5 (of fewer classes: the share within the first five, 100 where there are at most five)."""
    class_mean: float
    """Mean over classes of Prec@1."""
    clip_prec1: float
    """Clip level: Prec@1 of single intervals classified by themselves."""
    ci95: tuple[float, float]
    """95 % interval of `prec1`: Wilson's, as if clips were independent."""
    clips: int


def accuracy(logits: Tensor, labels: Tensor, interval_logits: Tensor | None = None) -> Accuracy:
    """Figures from logits (N, classes), labels (N,) and, for the clip level, interval logits (N, K, classes)."""
    hits = logits.argmax(1) == labels
    top5 = (logits.topk(min(5, logits.shape[1]), 1).indices == labels[:, None]).any(1)
    clip = (
        hits.double() if interval_logits is None else (interval_logits.argmax(2) == labels[:, None]).double()
    )
    per_class = [hits[labels == c].double().mean() for c in labels.unique()]
    return Accuracy(
        prec1=percent(hits),
        prec5=percent(top5),
        class_mean=100 * float(torch.stack(per_class).mean()),
        clip_prec1=percent(clip),
        ci95=wilson(int(hits.sum()), len(hits)),
        clips=len(hits),
    )


def percent(hits: Tensor) -> float:
    """Mean of a 0/1 tensor in percent."""
    return 100 * float(hits.double().mean())


def wilson(hits: int, clips: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share, in percent (Wilson, JASA 1927)."""
    share, spread = hits / clips, z * z / clips
    centre = (share + spread / 2) / (1 + spread)
    half = z * ((share * (1 - share) + spread / 4) / clips) ** 0.5 / (1 + spread)
    return max(0.0, 100 * (centre - half)), min(100.0, 100 * (centre + half))


def confusion(logits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """(classes, classes) counts: row the label, column the prediction."""
    cells = labels * classes + logits.argmax(1)
    return torch.bincount(cells, minlength=classes * classes).view(classes, classes)


def gap_closed(teacher: float, student: float, transferred: float) -> float | None:
    """Share of the HR-eLR gap that the transfer closed, in percent; None where there is no gap."""
    return None if teacher <= student else 100 * (transferred - student) / (teacher - student)
