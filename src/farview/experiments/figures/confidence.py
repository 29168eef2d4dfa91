"""Fig. 7: the three maps of how far T-Net's attention can be trusted."""

from collections.abc import Sequence

import numpy as np

from farview.experiments.evidence_pictures import NAMES, confidence_maps, middle_maps
from farview.experiments.figures.moments import RULE, moment_of
from farview.experiments.figures.shared import Made, identity
from farview.experiments.figures.sheet import Line, Scale, sheet
from farview.experiments.figures.subject import Example, Subject
from farview.transfer.config import ConfidenceKind

SETTINGS = ("confidence", "threshold", "binary", "same", "blur", "dilation", "learn")


def draw(subject: Subject, examples: Sequence[Example]) -> Made:
    """For each example a frame at HR and eLR, and below them every confidence map that can be had."""
    config = subject.loss
    moments = [moment_of(subject, example) for example in examples]
    maps: dict[ConfidenceKind, list[np.ndarray]] = {}
    for moment in moments:
        for kind, confidence in confidence_maps(*moment.videos, config, subject.extractor).items():
            maps.setdefault(kind, []).append(middle_maps(confidence)[moment.interval])
    threshold = config.threshold
    scale = Scale(
        f"confidence (grey: below {threshold:g})",
        "viridis",
        threshold,
        1.0,
        under="0.8",
        ticks=tuple(np.linspace(threshold, 1, 4).round(3).tolist()),
    )
    lines = [
        Line("HR", "what T-Net sees", np.stack([m.hr for m in moments])),
        Line("eLR", "what S-Net sees", np.stack([m.elr for m in moments])),
    ]
    scores, kept = [], {}
    for kind, shown in maps.items():
        shares = [float((each >= threshold).mean()) for each in shown]
        kept[kind] = shares
        used = "used in training" if kind == config.confidence else ""
        notes = tuple(f"{100 * share:.0f} % kept" for share in shares)
        scores.append(Line(NAMES[kind], used, np.stack(shown), scale, notes))
    drawn, _ = sheet([lines, scores], [example.title for example in examples])
    caption = (
        "Confidence of the transferred attention by difference, gradient and MLP: 1 where down-sampling lost nothing, "
        f"0 at the frame's greatest loss. {RULE} Grey: pixels below the threshold of {threshold:g}, from which "
        "attention is not transferred; below each map the share of pixels at or above it."
    )
    if not any(line.text for line in scores):
        caption += " The networks were trained without any of them."
    absent = None
    if "mlp" not in maps:
        absent = without_mlp(subject)
        caption += f" The MLP map is left out: {absent}."
    else:
        caption += " The MLP map's extractor is as it was at the end of the transfer."
    return Made(
        drawn,
        caption,
        {
            "clips": [
                identity(example, subject)
                | moment.place
                | {
                    "kept": {kind: round(shares[i], 6) for kind, shares in kept.items()},
                }
                for i, (example, moment) in enumerate(zip(examples, moments, strict=True))
            ],
            "settings": {key: getattr(config, key) for key in SETTINGS},
            "left_out": {} if absent is None else {"mlp": absent},
        },
    )


def without_mlp(subject: Subject) -> str:
    """Why there is no MLP map."""
    if subject.loss.confidence != "mlp" or not subject.loss.uses_map:
        return "the run did not learn one (loss.confidence: mlp does)"
    return "its extractor is in the transfer's last checkpoint, which is gone"
