"""Table V: whole systems side by side on one protocol.

A further rival is a row here, its training in `rivals/run.py`, its cost and speed in `finished.py`.
"""

from farview.experiments.tables.rows import CSTAT, STAT, Row, Settings, Table
from farview.rivals.isr import IsrConfig
from farview.rivals.pot import PotConfig

BACKBONE: Settings = {"network.backbone": "r2plus1d34", "input.stream": "rgb"}
"""Of the RGB network; the flow network's recipe follows from it."""


def published(hmdb51: float, ixmas: float) -> dict[str, float]:
    """The paper's Prec@1 at 12x16."""
    return {"HMDB51": hmdb51, "IXMAS": ixmas}


TABLE_5 = Table(
    5,
    "Systems at extreme low resolution",
    ("r2plus1d34",),
    (
        Row("PoT", STAT | BACKBONE, "student", rival=PotConfig(), published=published(26.57, 82.5)),
        Row("ISR", STAT | BACKBONE, "student", rival=IsrConfig(), published=published(28.68, 85.1)),
        Row("R(2+1)D-34", STAT | BACKBONE, "student", two_streams=True, published=published(52.29, 94.2)),
        Row(
            "CSTAT, R(2+1)D-34",
            CSTAT | BACKBONE | {"loss.rolling": "true"},
            pool=None,
            two_streams=True,
            published=published(59.41, 97.31),
        ),
    ),
    (
        "R(2+1)D-34 and CSTAT: an RGB and a flow network each, trained apart, their probabilities added by the "
        "recipe's fusion weights; multiply-adds, parameters and times are those of both. R(2+1)D-34 is S-Net alone.",
        "PoT and ISR: multiply-adds are those of the kernel and the classifier, without flow and histograms; "
        "parameters are the numbers in the model file. PoT does not depend on the seed.",
        "Time a clip: from eLR frames in memory to scores, flow included, on this machine as busy as it was.",
        "The paper's CSTAT is 59.41 here; its text's gain of 1.39 over the row above belongs to 59.23.",
        "CSTAT: MLP map, rolling weights, and unlabeled clips where --pool gives some.",
    ),
    systems=True,
)
