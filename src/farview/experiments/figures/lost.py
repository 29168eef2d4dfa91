"""Fig. 6: what of the crucial evidence down-sampling lost."""

from collections.abc import Sequence

import cv2
import numpy as np

from farview.experiments.figures.moments import RULE, moment_of
from farview.experiments.figures.shared import Made, identity
from farview.experiments.figures.sheet import Line, Scale, sheet
from farview.experiments.figures.subject import Example, Subject
from farview.experiments.pictures import Floats

SHARE = 1 / 3
"""Sides of the box over those of the frame."""
RED = "#d62828"


def draw(subject: Subject, examples: Sequence[Example]) -> Made:
    """For each example a frame at HR, enlarged from eLR, and the change, with a box around the greatest loss."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    moments = [moment_of(subject, example) for example in examples]
    changes = np.stack([moment.change for moment in moments])
    same, most = subject.loss.same, float(np.ceil(changes.max()))
    scale = Scale("grey levels", "inferno", 0.0, most, ticks=tuple(sorted({0.0, same, most})))
    boxes = [box_of(moment.change * moment.attention) for moment in moments]
    height, width = changes.shape[1:]
    sensor = subject.aspect
    lines = [
        Line("HR", f"{height}×{width}\nwhat T-Net sees", np.stack([m.hr for m in moments])),
        Line(
            "eLR",
            "{}×{}, enlarged\nwhat S-Net sees".format(*sensor),
            np.stack([m.elr for m in moments]),
        ),
        Line("|HR − eLR|", "box: most lost\nof what T-Net\nattends to", changes, scale),
    ]
    drawn, axes = sheet([lines], [example.title for example in examples])
    for row in axes:
        for picture, (top, left, tall, wide) in zip(row, boxes, strict=True):
            border = Rectangle((left - 0.5, top - 0.5), wide, tall, fill=False, edgecolor=RED, linewidth=1.2)
            border.set_path_effects([withStroke(linewidth=2.2, foreground="white")])  # seen on red, too
            picture.add_patch(border)
    caption = (
        "What down-sampling lost: HR frames, the eLR frames of the same moments enlarged to the same size, and their "
        f"difference in grey levels. {RULE} Red: the window of a third of the frame's sides with the largest sum of "
        f"change times T-Net's attention (last stage). The confidence maps count changes below {same:g} grey levels as "
        "none."
    )
    return Made(
        drawn,
        caption,
        {
            "clips": [
                identity(example, subject)
                | moment.place
                | {
                    "box": {"top": box[0], "left": box[1], "height": box[2], "width": box[3]},
                    "mean_change": round(float(moment.change.mean()), 4),
                    "changed": round(float((moment.change >= same).mean()), 6),
                }
                for example, moment, box in zip(examples, moments, boxes, strict=True)
            ],
            "size": [height, width],
            "sensor": list(sensor),
            "same": same,
        },
    )


def box_of(weights: Floats, share: float = SHARE) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the window of `share` of the sides with the largest sum of `weights` (H, W).

    Of several the first, line by line.
    """
    tall, wide = (max(1, round(share * side)) for side in weights.shape)
    sums = cv2.integral(weights.astype(np.float64))
    boxes = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    top, left = np.unravel_index(int(np.argmax(boxes)), boxes.shape)
    return int(top), int(left), tall, wide
