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
        ("kd", -1.0),
        ("dkd", float("nan")),
        ("dist", -2.0),
        ("feature", float("inf")),
        ("temperature", 0.0),
        ("temperature", float("inf")),
        ("dkd_alpha", -1.0),
        ("dkd_beta", float("nan")),
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
    assert config.kd == config.dkd == config.dist == config.feature == 0


def test_which_terms_need_t_net_and_which_a_map():
    nothing = {"ce": 1.0, "sat": 0.0, "tat": 0.0}
    alone = TransferConfig(**nothing)
    assert not alone.uses_teacher and not alone.uses_map
    for key in ("sat", "tat", "feature", "kd", "dkd", "dist"):
        config = TransferConfig(**nothing | {key: 0.1})
        assert config.uses_teacher and config.uses_map == (key in ("sat", "tat", "feature"))


def test_is_read_without_torch():
    code = "import sys, farview.transfer.config; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
