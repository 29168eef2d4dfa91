"""C3D (Tran, Bourdev, Fergus, Torresani, Paluri, ICCV 2015), and its public weights.

3x3x3 convolutions of 64; 128; 2 x 256; 2 x 512; 2 x 512 channels, each group with ReLU and pooling, 1x2x2, then 2x2x2
with what is left at the edge; two layers of 4,096, dropout 0.5; units of 16 frames of 112x112.
"""

from pathlib import Path

from torch import Tensor, nn

from farview.errors import FarviewError
from farview.models.network import initialise
from farview.models.weights import Loaded, adapt_first, fill, read_state
from farview.rivals.network import scaled

LAYERS = ((64,), (128,), (256, 256), (512, 512), (512, 512))
"""Its convolutions, a pooling after each group."""
FIRST = "convolutions.0.weight"
NAMES = {
    name: f"convolutions.{place}"
    for place, names in {
        0: ("conv1", "conv1a"),
        3: ("conv2", "conv2a"),
        6: ("conv3a",),
        8: ("conv3b",),
        11: ("conv4a",),
        13: ("conv4b",),
        16: ("conv5a",),
        18: ("conv5b",),
    }.items()
    for name in (*names, f"features.{place}")
} | {"classifier.0": "fc6", "classifier.3": "fc7", "classifier.6": "fc8", "fc_cls": "fc8"}
"""Layers of the files that are handed around, and what they are called here."""
EXPECTED = (
    "expected C3D as a state dict (`conv1.weight`, `features.0.weight`) or mmaction2's (`conv1a.conv.weight`)"
)
HALF = 127.5
"""Grey levels to either side of their middle: networks here see -1 to 1, those of the files saw levels less a mean."""


class C3d(nn.Module):
    """Units (N, C, T, *size) to `features` numbers, and from these to logits of the unit."""

    def __init__(
        self,
        classes: int,
        channels: int,
        frames: int,
        size: tuple[int, int],
        width: float,
        norm: bool = False,
    ) -> None:
        """`norm`: BatchNorm after every convolution, which the published network does without."""
        super().__init__()
        layers: list[nn.Module] = []
        shape = [frames, *size]
        for group, published in enumerate(LAYERS):
            for out in (scaled(each, width) for each in published):
                layers.append(nn.Conv3d(channels, out, 3, padding=1))
                layers += [nn.BatchNorm3d(out)] if norm else []
                layers.append(nn.ReLU())
                channels = out
            pool = (1 if group == 0 else 2, 2, 2)
            layers.append(nn.MaxPool3d(pool, ceil_mode=True))
            shape = [-(-n // p) for n, p in zip(shape, pool, strict=True)]
        self.convolutions = nn.Sequential(*layers)
        self.features = scaled(4096, width)
        self.fc6 = nn.Linear(channels * shape[0] * shape[1] * shape[2], self.features)
        self.fc7 = nn.Linear(self.features, self.features)
        self.fc8 = nn.Linear(self.features, classes)
        self.dropout = nn.Dropout(0.5)
        self.apply(initialise)
        for layer in (self.fc6, self.fc7):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, units: Tensor) -> Tensor:
        """(N, features), at least 0."""
        return self.fc6(self.convolutions(units).flatten(1)).relu()

    def classify(self, features: Tensor) -> Tensor:
        """(N, features) to logits (N, classes); only while the features are learned."""
        return self.fc8(self.dropout(self.fc7(self.dropout(features)).relu()))


def load_c3d(network: C3d, path: Path) -> Loaded:
    """Fill a network of width 1 with public weights, most often Sports-1M's.

    The first convolution is adapted to other channels and to levels from -1 to 1; a linear layer is left as it is where
    it does not fit. Raises FarviewError where the file holds something else.
    """
    state = {name_of(key): value for key, value in read_state(path, EXPECTED).items()}
    if FIRST not in state:
        raise FarviewError(f"{path}: unknown kind of weights; {EXPECTED}")
    state, adapted = adapt_first(state, FIRST, 1, network.state_dict()[FIRST].shape[1], 1)
    state[FIRST] = state[FIRST] * HALF
    adapted[FIRST] = "; ".join([*adapted.values(), f"{FIRST} from grey levels to -1..1"])
    optional = {name: (f"{name}.",) for name in ("fc6", "fc7", "fc8")}
    return fill(
        network,
        state,
        "convolutions.",
        optional,
        adapted,
        f"{path}: does not fit C3D (of width 1, without norm)",
    )


def name_of(key: str) -> str:
    """The network's name for a key of a file."""
    for part in ("backbone.", "cls_head."):
        key = key.removeprefix(part)
    layer, _, kind = key.replace(".conv.", ".").rpartition(".")
    return f"{NAMES.get(layer, layer)}.{kind}"
