"""The recipe's `loss` section refuses what cannot work, naming the key."""

import subprocess
import sys

import pytest

from farview.errors import FarviewError
from farview.transfer.config import TransferConfig


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sat_inner", (0.5, 0.5)),
        ("sat_inner", (0.5, 0.5, -1, 0)),
        ("tat_inner", (1.0,)),
        ("ce", -0.1),
        ("sat", float("nan")),
        ("tat", float("inf")),
        ("norm", 3),
        ("confidence", "diff"),
        ("threshold", 1.5),
        ("same", -1.0),
        ("blur", -1.0),
        ("dilation", 2.5),
        ("spread", -1.0),
        ("spread_floor", 2.0),
        ("learn", "jointly"),
    ],
)
def test_wrong_values_name_their_key(key, value):
    with pytest.raises(FarviewError, match=rf"loss\.{key}: .*expected"):
        TransferConfig(**{key: value})


def test_defaults_are_the_papers():
    config = TransferConfig()
    assert config.ce == config.sat == config.tat == pytest.approx(1 / 3)  # Sec. IV-E
    assert sum(config.sat_inner) == sum(config.tat_inner) == 1
    assert (config.norm, config.same, config.dilation) == (2, 24, 10)  # Sec. IV-B


def test_is_read_without_torch():
    code = "import sys, farview.transfer.config; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
