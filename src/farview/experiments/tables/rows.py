"""What the rows of Tables I to IV are: settings of a recipe, beside the paper's own numbers. Table V: `systems`."""

from dataclasses import dataclass, field

from farview.errors import FarviewError
from farview.rivals.run import RivalConfig
from farview.training.recipe import Phase

Settings = dict[str, str]
"""Recipe key to value, as on the command line."""
THIRD = "0.3333333333333333"
EVEN: Settings = {"loss.sat_inner": "[0.25,0.25,0.25,0.25]", "loss.tat_inner": "[0.5,0.5]"}
STAT: Settings = EVEN | {
    "loss.ce": THIRD,
    "loss.sat": THIRD,
    "loss.tat": THIRD,
    "loss.confidence": "none",
    "loss.rolling": "false",
    **dict.fromkeys(("loss.kd", "loss.dkd", "loss.dist", "loss.feature"), "0.0"),
    "loss.centred": "false",
    "transfer.initial": "student",
    "transfer.refit": "false",
    "augment.fresh_noise": "false",
    "augment.fresh_elr": "false",
    "data.pool": "null",
}
"""Attention transfer without confidence, weights 0.33-0.33-0.33 (Table IV), and without what a recipe adds to it."""
CSTAT: Settings = STAT | {"loss.confidence": "mlp"}
RISING: Settings = {
    "loss.sat_inner": "[0.0666666666666667,0.133333333333333,0.266666666666667,0.533333333333333]",
    "loss.tat_inner": "[0.333333333333333,0.666666666666667]",
}
LAST: Settings = {"loss.sat_inner": "[0,0,0,1]", "loss.tat_inner": "[0,1]"}


@dataclass(frozen=True)
class Row:
    """One line of a table; its cells are runs of one recipe with these settings."""

    name: str
    settings: Settings = field(default_factory=dict)
    phase: Phase = "transfer"
    """Whose result the cell shows."""
    paper: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Column to the paper's Prec@1 and, in Table II, Prec@5, in percent."""
    pool: bool | None = False
    """Whether the row needs unlabeled clips; None: it takes them where there are some."""
    full: str | None = None
    """The row of the same method at full size, where this one's network is cheaper."""
    two_streams: bool = False
    """A network on RGB and one on flow, trained apart; their scores are added by the recipe's `fusion`."""
    recipe: str | None = None
    """The column whose recipe it takes, where that is not the column that it stands in."""
    rival: RivalConfig | None = None
    """A system of another kind in S-Net's place."""
    published: dict[str, float] = field(default_factory=dict)
    """Data set to the paper's Prec@1 on it, where the paper compares systems."""
    notes: tuple[str, ...] = ()
    """What a reader of this row should know; those that rows share are shown once."""


@dataclass(frozen=True)
class Table:
    """A table of the paper, or of what came after it."""

    number: int | str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """Where the paper contradicts itself, and what is read otherwise here."""
    systems: bool = False
    """Its rows are whole systems: their time a clip counts, and each is compared with the last."""


def weights(ce: float, sat: float, tat: float) -> Settings:
    """External weights CE-SAT-TAT."""
    return {"loss.ce": repr(ce), "loss.sat": repr(sat), "loss.tat": repr(tat)}


def resolution(height: int, width: int, before: tuple[float, ...], after: tuple[float, ...]) -> list[Row]:
    """Two rows of Table II."""
    sensor = {"input.sensor.height": str(height), "input.sensor.width": str(width)}
    name = f"{height}x{width}"
    return [
        Row(f"{name} Student", STAT | sensor, "student", {"resnet": before}),
        Row(f"{name} STAT", STAT | sensor, "transfer", {"resnet": after}),
    ]


def both(resnet: float, r2plus1d: float) -> dict[str, tuple[float, ...]]:
    """The paper's Prec@1 for both backbones."""
    return {"resnet": (resnet,), "r2plus1d": (r2plus1d,)}


TABLE_1 = Table(
    1,
    "Weights of the transfer",
    ("resnet",),
    (
        Row("1/7-4/7-2/7, even", STAT | weights(1 / 7, 4 / 7, 2 / 7), paper={"resnet": (46.12,)}),
        Row("4/7-1/7-2/7, rising", STAT | weights(4 / 7, 1 / 7, 2 / 7) | RISING, paper={"resnet": (45.43,)}),
        Row("thirds, even", STAT, paper={"resnet": (47.01,)}),
        Row("thirds, rising", STAT | RISING, paper={"resnet": (46.60,)}),
        Row("thirds, last only", STAT | LAST, paper={"resnet": (46.13,)}),
        Row("thirds, rolling", STAT | {"loss.rolling": "true"}, paper={"resnet": (47.18,)}),
    ),
    (
        "The caption speaks of four rows of fixed weights; the table has five.",
        "The paper's STAT is 47.18 here, 46.19 in Table II and 47.32 in Tables III and IV.",
        "even: 1/4 each stage and 1/2 each layer; rising: 1/15-2/15-4/15-8/15 and 1/3-2/3; last only: 0-0-0-1 and 0-1.",
    ),
)
TABLE_2 = Table(
    2,
    "Resolutions, before and after STAT",
    ("resnet",),
    (
        *resolution(6, 8, (32.74, 54.21), (36.92, 56.93)),
        *resolution(12, 16, (43.13, 68.17), (46.19, 68.29)),
        *resolution(18, 24, (51.62, 73.60), (53.60, 76.19)),
        *resolution(24, 32, (55.08, 79.52), (56.30, 80.22)),
    ),
    (
        "The paper's S-Net at 12x16 is 43.13 here and 42.79 in Table IV; its STAT is 46.19 here and 47.32 there.",
        "The text says that Prec@5 grows by 2.72 down to 0.7 points; at 12x16 the table shows 0.12.",
    ),
)
TABLE_3 = Table(
    3,
    "Confidence maps",
    ("resnet", "r2plus1d"),
    (
        Row("no confidence", STAT, paper=both(47.32, 52.72)),
        Row("difference", STAT | {"loss.confidence": "difference"}, paper=both(47.71, 52.99)),
        Row("gradient", STAT | {"loss.confidence": "gradient"}, paper=both(48.34, 53.51)),
        Row("MLP", CSTAT, paper=both(49.53, 54.63)),
    ),
    ("The paper's CSTAT with the MLP map is 49.53 / 54.63 here and 49.03 / 54.46 in Table IV.",),
)
TABLE_4 = Table(
    4,
    "Parts of the method",
    ("resnet", "r2plus1d"),
    (
        Row("Teacher", STAT, "teacher", both(78.82, 90.56)),
        Row("Student", STAT, "student", both(42.79, 48.95)),
        Row("SAT", STAT | weights(0.5, 0.5, 0), paper=both(44.42, 52.03)),
        Row("TAT", STAT | weights(0.5, 0, 0.5), paper=both(45.48, 50.90)),
        Row("STAT", STAT, paper=both(47.32, 52.72)),
        Row("CSTAT", CSTAT, paper=both(49.03, 54.46)),
        Row("CSTAT+rc", CSTAT | {"loss.rolling": "true"}, paper=both(49.97, 54.78)),
        Row("CSTAT+rc+ut", CSTAT | {"loss.rolling": "true"}, paper=both(50.78, 55.31), pool=True),
        Row("Student, as long", STAT | weights(1, 0, 0)),
    ),
    (
        "The paper's S-Net is 42.79 here and 43.13 in Table II; its CSTAT 49.03 / 54.46 and, in III, 49.53 / 54.63.",
        "Student, as long: S-Net goes on for as many epochs as the transfer takes, on its labels alone.",
        "External weights: SAT 0.5-0.5-0, TAT 0.5-0-0.5, others thirds; inner weights 1/4 and 1/2; those of rc roll.",
    ),
)
LABELS_ALONE: Settings = STAT | weights(1, 0, 0)
FROM_TEACHER: Settings = {"transfer.initial": "teacher"}
REFITTED: Settings = FROM_TEACHER | {"transfer.refit": "true"}
KD: Settings = {"loss.kd": "1.0"}
FRESH: Settings = {"augment.fresh_noise": "true"}
FRESH_ELR: Settings = {"augment.fresh_elr": "true"}
PYRAMID: Settings = {"network.pyramid": "2"}
HALF: Settings = {"student_network.width_factor": "0.5"}
NATIVE: Settings = {"input.elr_size": "native"}
TINY: Settings = {"student_network.stem": "tiny"}
CHEAPER: dict[str, Settings] = {
    "half width": HALF,
    "native input": NATIVE,
    "native input, tiny stem": NATIVE | TINY,
    "half width, native input": HALF | NATIVE,
    "half width, native input, tiny stem": HALF | NATIVE | TINY,
}
"""S-Nets that cost less than the recipe's."""
BEYOND = Table(
    "beyond",
    "Beyond the paper",
    ("resnet", "r2plus1d"),
    (
        Row("Teacher", STAT, "teacher"),
        Row("Student", STAT, "student"),
        Row("Student, as long", LABELS_ALONE),
        Row("Student, fresh noise", STAT | FRESH, "student"),
        Row("Student, fresh noise, as long", LABELS_ALONE | FRESH),
        Row("CSTAT", CSTAT),
        Row("CSTAT, centred maps", CSTAT | {"loss.centred": "true"}),
        Row("CSTAT, SAT and TAT x10", CSTAT | {"loss.sat": "3.333", "loss.tat": "3.333"}),
        Row("KD", LABELS_ALONE | KD),
        Row("DKD", LABELS_ALONE | {"loss.dkd": "1.0"}),
        Row("DIST", LABELS_ALONE | {"loss.dist": "2.0"}),
        Row("CSTAT, features for maps", CSTAT | {"loss.sat": "0", "loss.feature": THIRD}),
        Row("CSTAT + KD", CSTAT | KD),
        Row("from T-Net", LABELS_ALONE | FROM_TEACHER),
        Row("from T-Net, refitted", LABELS_ALONE | REFITTED),
        Row("from T-Net + KD", LABELS_ALONE | FROM_TEACHER | KD),
        Row("from T-Net + CSTAT", CSTAT | FROM_TEACHER),
        Row("from T-Net + CSTAT + KD", CSTAT | FROM_TEACHER | KD),
        Row("from T-Net, refitted + CSTAT + KD", CSTAT | REFITTED | KD),
        *(Row(f"KD, {name}", LABELS_ALONE | KD | cheaper, full="KD") for name, cheaper in CHEAPER.items()),
        Row("fresh noise, CSTAT", CSTAT | FRESH),
        Row("fresh noise, KD", LABELS_ALONE | FRESH | KD),
        Row("fresh noise, CSTAT + KD", CSTAT | FRESH | KD),
        Row("fresh noise, from T-Net + KD", LABELS_ALONE | FROM_TEACHER | KD | FRESH),
        Row("fresh noise, from T-Net + CSTAT + KD", CSTAT | FROM_TEACHER | KD | FRESH),
        Row("Student, fresh eLR", STAT | FRESH_ELR, "student"),
        Row("Student, fresh eLR, as long", LABELS_ALONE | FRESH_ELR),
        Row("fresh eLR, CSTAT", CSTAT | FRESH_ELR),
        Row("fresh eLR, KD", LABELS_ALONE | FRESH_ELR | KD),
        Row("fresh eLR, CSTAT + KD", CSTAT | FRESH_ELR | KD),
        Row("Teacher, pyramid", STAT | PYRAMID, "teacher"),
        Row("Student, pyramid", STAT | PYRAMID, "student"),
        Row("Student, pyramid, as long", LABELS_ALONE | PYRAMID),
        Row("pyramid, CSTAT", CSTAT | PYRAMID),
        Row("pyramid, KD", LABELS_ALONE | PYRAMID | KD),
        Row("pyramid, fresh noise, KD", LABELS_ALONE | PYRAMID | FRESH | KD),
        Row("pyramid, fresh noise, CSTAT + KD", CSTAT | PYRAMID | FRESH | KD),
        Row("pyramid, fresh eLR, KD", LABELS_ALONE | PYRAMID | FRESH_ELR | KD),
        *(
            Row(f"pyramid, KD, {name}", LABELS_ALONE | PYRAMID | KD | cheaper, full="pyramid, KD")
            for name, cheaper in CHEAPER.items()
        ),
    ),
    (
        "Every row below Student has trained as long in all: S-Net (or T-Net) first, then the transfer.",
        "KD: weight 1 at temperature 4 beside the labels (Hinton et al., 2015); DKD (CVPR 2022): 1, alpha 1, beta 8; "
        "DIST (NeurIPS 2022): 2; with CSTAT its weights stay thirds.",
        "half width, native input, tiny stem: a cheaper S-Net, trained by itself first; to Student and the gap's share "
        "refer to that one, to full size to (pyramid,) KD. Multiply-adds are those of a video, all intervals.",
        "fresh eLR: S-Net's frames are made of T-Net's varied ones, with noise, anew each time that a clip is seen.",
        "pyramid: T-Net and S-Net have a temporal pyramid of two levels, the whole video and its halves; to Student "
        "refers to the S-Net that has one too.",
        "refitted: T-Net's first convolution and norms are fitted to eLR frames before the transfer.",
    ),
)


def choose(table: Table, names: list[str] | None) -> tuple[Row, ...]:
    """The rows of these names (letter case ignored), in the table's order; all where none are named."""
    if names is None:
        return table.rows
    known = {row.name.lower(): row for row in table.rows}
    for name in names:
        if name.lower() not in known:
            raise FarviewError(
                f"--rows: table {table.number} has no row '{name}'; it has "
                + ", ".join(f"'{row.name}'" for row in table.rows)
            )
    return tuple(row for row in table.rows if row.name.lower() in {name.lower() for name in names})
