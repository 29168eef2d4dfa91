"""What a recipe says about the transfer. Torch-free, so that help is quick."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from farview.errors import FarviewError

ConfidenceKind = Literal["none", "difference", "gradient", "mlp"]
LearnKind = Literal["joint", "lookahead"]
WEIGHTS = ("ce", "sat", "tat", "kd", "dkd", "dist", "feature")
"""Terms of the loss by the key of their weight."""
LOCATED = ("sat", "tat", "feature")
"""Terms that a confidence map weighs."""


@dataclass(frozen=True)
class TransferConfig:
    """Section `loss` of a recipe: weights and confidence of the transfer (paper, Sec. III). Raises FarviewError."""

    ce: float = 1 / 3
    """Weight of the cross-entropy in Eq. 4."""
    sat: float = 1 / 3
    """Weight of the spatial attention transfer in Eq. 4."""
    tat: float = 1 / 3
    """Weight of the temporal attention transfer in Eq. 4."""
    sat_inner: tuple[float, ...] = (1 / 4, 1 / 4, 1 / 4, 1 / 4)
    """Weights of the four residual stages within SAT (and `feature`), shallow to deep (Table I)."""
    tat_inner: tuple[float, ...] = (1 / 2, 1 / 2)
    """Weights of the two fully connected layers within TAT (Table I)."""
    rolling: bool = False
    """Let the inner weights roll with the epochs by Eq. 5, in place of `sat_inner` and `tat_inner`."""
    norm: Literal[1, 2] = 2
    """P of Eq. 2 and 3: over a video's frames, 1 takes the mean of 1 - cosine, 2 the root mean square."""
    centred: bool = False
    """SAT compares maps less their mean (correlation) instead of maps that are positive everywhere (cosine); ours."""
    confidence: ConfidenceKind = "mlp"
    """How the evidence that down-sampling lost is measured: none is plain STAT, the others are CSTAT."""
    threshold: float = 0.7
    """Pixels of lower confidence take no part in the transfer, 0..1. Choose it on held-out training clips."""
    binary: bool = False
    """Confidence 1 above the threshold, in place of its own value."""
    same: float = 24.0
    """Difference and gradient map: smaller differences count as none (grey levels of 255; Sobel of them)."""
    blur: float = 2.0
    """Gradient map: sigma of the Gaussian, in pixels of a frame 340 wide; it scales with the width."""
    dilation: int = 10
    """Gradient map: iterations of the 3x3 dilation at 340 pixels of width; they scale with the width."""
    learn: LearnKind = "joint"
    """MLP map, what it learns from. joint: the transfer losses; lookahead: whether a step on them lowers the
    cross-entropy."""
    spread: float = 1.0
    """MLP map: weight of the term max(0, `spread_floor` - spread), which keeps the map from peaking."""
    spread_floor: float = 0.5
    """MLP map: the share of the frame that should take part in the transfer at least, 0..1."""
    kd: float = 0.0
    """Weight of the class probabilities' distillation (Hinton et al., 2015). It and the next
    three are not the paper's. Of all terms but `ce`: one of weight 0 is neither computed nor logged."""
    dkd: float = 0.0
    """Weight of the decoupled distillation (CVPR 2022)."""
    dist: float = 0.0
    """Weight of DIST, correlations of class probabilities (NeurIPS 2022)."""
    feature: float = 0.0
    """Weight of the similarity of the stages' features, with SAT's inner weights, norm and confidence."""
    temperature: float = 4.0
    """Of the softmax in kd, dkd and dist."""
    dkd_alpha: float = 1.0
    """dkd: weight of the target class."""
    dkd_beta: float = 8.0
    """dkd: weight of the other classes."""

    def __post_init__(self) -> None:
        for key in (*WEIGHTS, "dkd_alpha", "dkd_beta", "same", "blur", "spread"):
            check_weight(key, getattr(self, key))
        if not 0 < self.temperature < math.inf:
            raise FarviewError(f"loss.temperature: {self.temperature!r}; expected a number above 0")
        for key, blocks in (("sat_inner", 4), ("tat_inner", 2)):
            weights = getattr(self, key)
            if len(weights) != blocks:
                raise FarviewError(
                    f"loss.{key}: {list(weights)} has {len(weights)} weights; expected {blocks}"
                )
            for weight in weights:
                check_weight(key, weight)
        if self.norm not in (1, 2):
            raise FarviewError(f"loss.norm: {self.norm!r}; expected 1 or 2")
        for key, kind in (("confidence", ConfidenceKind), ("learn", LearnKind)):
            if getattr(self, key) not in get_args(kind):
                expected = ", ".join(get_args(kind))
                raise FarviewError(f"loss.{key}: {getattr(self, key)!r}; expected one of {expected}")
        for key in ("threshold", "spread_floor"):
            if not 0 <= getattr(self, key) <= 1:
                raise FarviewError(f"loss.{key}: {getattr(self, key)!r}; expected a number in 0..1")
        if not isinstance(self.dilation, int) or self.dilation < 0:
            raise FarviewError(f"loss.dilation: {self.dilation!r}; expected a whole number of at least 0")

    @property
    def uses_teacher(self) -> bool:
        """Whether any term compares S-Net with T-Net."""
        return any(getattr(self, key) > 0 for key in WEIGHTS if key != "ce")

    @property
    def uses_map(self) -> bool:
        """Whether any term asks the confidence map."""
        return any(getattr(self, key) > 0 for key in LOCATED)


def check_weight(key: str, value: float) -> None:
    """Raise where a weight is negative or not a finite number."""
    if not 0 <= value < math.inf:
        raise FarviewError(f"loss.{key}: {value!r}; expected a number of at least 0")
