"""Difference-based confidence map (paper, Sec. III-C1a)."""

from torch import Tensor

from farview.transfer.confidence import confidence_of


def difference_confidence(hr: Tensor, elr: Tensor, same: float) -> Tensor:
    """Confidence 0..1 of grey frames (..., H, W), levels 0..255; differences below `same` count as none (Sec. IV-B).

    It favours flat background: evidence that is lost is a difference, and so is everything that has an edge.
    """
    difference = (hr - elr).abs()
    return confidence_of(difference * (difference >= same))
