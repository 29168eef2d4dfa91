"""Table V: whole systems side by side on one protocol.

A further rival that is a network is a row here and a file in `rivals/`.
"""

from dataclasses import replace

from farview.experiments.tables.rows import CSTAT, KD, LABELS_ALONE, PYRAMID, STAT, Row, Settings, Table
from farview.frames.intervals import Intervals
from farview.rivals.fully_coupled import FullyCoupledConfig
from farview.rivals.i3d import I3dConfig
from farview.rivals.isr import IsrConfig
from farview.rivals.multi_siamese import MultiSiameseConfig
from farview.rivals.network import StreamsConfig
from farview.rivals.pot import PotConfig
from farview.rivals.purwanto import PurwantoConfig
from farview.rivals.run import RivalConfig
from farview.rivals.semi_coupled import SemiCoupledConfig

FRAMES: Settings = {"input.stream": "rgb"}
"""Of the RGB network; the flow network's recipe follows from it."""
BACKBONE: Settings = FRAMES | {"network.backbone": "r2plus1d34"}
GRU: Settings = {
    "transfer.optimizer": "rmsprop",
    "transfer.lr": "0.001",
    "transfer.weight_decay": "0",
    "transfer.warmup": "0",
    "transfer.schedule": "step",
    "transfer.step": "1000",
}
"""How the authors of the fully-coupled network train its sequences: at one rate to the end."""
NARROW_WIDTH, NARROW_SIZE = 1 / 4, 48
"""Small scale: a rival network's channels as a share of the published ones, and the largest side of its input."""
NARROW_C3D, NARROW_UNITS = 1 / 8, Intervals(2, 16)
"""The same of the fully-coupled network, whose C3D is several times as large as others and gets BatchNorm to learn from
so little, and its units: 32 frames."""


# Notes of rows.
MACHINES = (
    "PoT and ISR, unless options say otherwise: one descriptor of three is a network's, an S-Net as that of CSTAT, "
    "ResNet (RGB), on every frame; HOF's flow is DIS, whatever the recipe's; minutes are without that network's "
    "training, multiply-adds without flow and histograms; parameters are the numbers in the model file."
)
NETWORKS = (
    "Rival networks, unless options say otherwise: RGB and flow in one training that keeps one epoch of both, joined "
    "as published and not by the recipe's fusion, by the recipe's section student (KD's teacher: teacher, minutes with "
    "it; the GRU of fully-coupled: transfer, RMSprop as published); small scale has a quarter of their channels (C3D "
    "an eighth), inputs of at most 48x48 and, fully-coupled, 32 frames."
)
TWO_STREAMS = (
    "R(2+1)D-34 and CSTAT: an RGB and a flow network each, trained apart, their probabilities added by the recipe's "
    "fusion weights; multiply-adds, parameters and times are those of both. R(2+1)D-34 is S-Net alone."
)
OF_CSTAT = "CSTAT: MLP map, rolling weights, and unlabeled clips where --pool gives some."
OURS = (
    "CSTAT, ResNet: the same with the backbone and intervals of the other tables; pyramid, KD, ResNet: T-Net's class "
    "probabilities and a temporal pyramid in place of attention, frames alone. Neither is in the paper's table."
)
CHEN = "The paper prints semi-coupled as Simonyan's; it is Chen et al.'s (WACV 2017)."
GAIN = "The paper's CSTAT is 59.41 here; its text's gain of 1.39 over the row above belongs to 59.23."


def narrow(config: RivalConfig | None) -> RivalConfig | None:
    """A rival for small data and few processors; support vector machines stay as they are."""
    if not isinstance(config, StreamsConfig):
        return config
    height, width = config.size
    config = replace(config, size=(min(height, NARROW_SIZE), min(width, NARROW_SIZE)))
    if isinstance(config, FullyCoupledConfig):
        units = min(config.intervals, NARROW_UNITS, key=lambda intervals: intervals.count * intervals.frames)
        return replace(config, width=min(config.width, NARROW_C3D), intervals=units, norm=True)
    return replace(config, width=min(config.width, NARROW_WIDTH))


def published(hmdb51: float, ixmas: float) -> dict[str, float]:
    """The paper's Prec@1 at 12x16."""
    return {"HMDB51": hmdb51, "IXMAS": ixmas}


def rival(
    name: str,
    config: RivalConfig,
    hmdb51: float,
    ixmas: float,
    settings: Settings | None = None,
    notes: tuple[str, ...] = (),
) -> Row:
    """The row of another method, at its published size, with the paper's Prec@1 of it.

    A support vector machine looks at frames with the ResNet S-Net of the other tables.
    """
    machine = isinstance(config, PotConfig)
    settings = STAT | (FRAMES if machine else BACKBONE) | (settings or {})
    return Row(
        name,
        settings,
        "student",
        recipe="resnet" if machine else None,
        rival=config,
        published=published(hmdb51, ixmas),
        notes=(MACHINES if machine else NETWORKS, *notes),
    )


TABLE_5 = Table(
    5,
    "Systems at extreme low resolution",
    ("r2plus1d34",),
    (
        rival("PoT", PotConfig(), 26.57, 82.5),
        rival("ISR", IsrConfig(), 28.68, 85.1),
        rival("semi-coupled", SemiCoupledConfig(), 29.20, 93.7, notes=(CHEN,)),
        rival("multi-Siamese", MultiSiameseConfig(), 37.70, 94.9),
        rival("fully-coupled", FullyCoupledConfig(), 44.96, 95.3, GRU),
        rival("I3D", I3dConfig(), 52.61, 93.89),
        rival("I3D, self-attention and KD", PurwantoConfig(), 57.84, 97.22),
        Row(
            "CSTAT, ResNet",
            CSTAT | FRAMES | {"loss.rolling": "true"},
            pool=None,
            two_streams=True,
            recipe="resnet",
            notes=(TWO_STREAMS, OF_CSTAT, OURS),
        ),
        Row("pyramid, KD, ResNet", LABELS_ALONE | FRAMES | PYRAMID | KD, recipe="resnet", notes=(OURS,)),
        Row(
            "R(2+1)D-34",
            STAT | BACKBONE,
            "student",
            two_streams=True,
            published=published(52.29, 94.2),
            notes=(TWO_STREAMS,),
        ),
        Row(
            "CSTAT, R(2+1)D-34",
            CSTAT | BACKBONE | {"loss.rolling": "true"},
            pool=None,
            two_streams=True,
            published=published(59.41, 97.31),
            notes=(TWO_STREAMS, OF_CSTAT, GAIN),
        ),
    ),
    ("Time a clip: from eLR frames in memory to scores, flow included, on this machine as busy as it was.",),
    systems=True,
)
