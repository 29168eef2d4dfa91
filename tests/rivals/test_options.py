"""A recipe's section `rival`, read and written."""

import json
from dataclasses import asdict, fields

import pytest

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.rivals.i3d import I3dConfig
from farview.rivals.isr import IsrConfig
from farview.rivals.options import METHODS, config_of, names, options_of, with_options
from farview.rivals.pot import PotConfig
from farview.rivals.semi_coupled import SemiCoupledConfig


@pytest.mark.parametrize("method", METHODS)
def test_what_is_written_is_read_again(method: str) -> None:
    config = METHODS[method]()
    written = options_of(config)
    assert written == json.loads(json.dumps(written)) and written["method"] == method
    assert written.keys() == asdict(config).keys() | {"method"}
    assert config_of(written) == config == config_of({"method": method})


def test_options_are_read_by_their_types() -> None:
    """From YAML and from words of a command; what is inside an option keeps what is not said."""
    made = config_of(
        {"method": "semi-coupled", "intervals": {"count": "4"}, "size": [16, 24], "fusion": "conv"}
    )
    assert made == SemiCoupledConfig(intervals=Intervals(4, 11), size=(16, 24), fusion="conv")
    assert config_of({"method": "isr", "descriptors": ["mbh"], "copies": "2"}) == IsrConfig(
        ("mbh",), copies=2
    )


def test_options_of_others_are_left_and_what_was_said_before_stays() -> None:
    narrow = I3dConfig(width=0.25, size=(48, 48))
    assert with_options(narrow, {"copies": 3, "dropout": 0.25}) == I3dConfig(
        width=0.25, size=(48, 48), dropout=0.25
    )
    assert with_options(PotConfig(("hof",)), {"copies": 3}) == PotConfig(("hof",))
    assert with_options(narrow, {}) == narrow


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"method": "istr"}, "rival.method: 'istr' is none of pot, isr,"),
        ({"method": "ISR"}, "rival.method: 'ISR' is none of .*did you mean 'isr'"),
        ({"method": ["pot"]}, r"rival.method: '\['pot'\]' is none of"),
        ({"width": 1, "copies": 2}, "rival.copies: an option of a rival, and rival.method names none"),
        ({"method": "isr", "copie": 2}, "rival.copie: isr has no such option; did you mean 'copies'"),
        (
            {"method": "isr", "width": 2},
            r"rival.width: isr has no such option.*--rival '{method: isr}' drops",
        ),
        ({"method": "pot", "zzz": 2}, "rival.zzz: pot has no such option; it has descriptors"),
        ({"method": "pot", "descriptors": ["sift"]}, "rival.descriptors"),
        ({"method": "pot", "descriptors": []}, r"rival.descriptors: \[\]; expected one or more"),
        ({"method": "i3d", "intervals": {"count": 0}}, "rival.intervals.count is 0"),
        ({"method": "i3d", "intervals": 4}, "rival.intervals: 4; expected some of {'count': 1, 'frames': 32"),
        ({"method": "i3d", "dropout": 1}, "rival.dropout: 1.0 must be at least 0 and below 1"),
        ({"method": "i3d", "width": float("nan")}, "rival.width: nan must be above 0"),
        ({"method": "purwanto", "temperature": 0}, "rival.temperature: 0.0 must be a number above 0"),
        ({"method": "purwanto", "weight": -1}, "rival.weight: -1.0 must be a number of at least 0"),
        ({"method": "multi-siamese", "margin": -1}, "rival.margin: -1.0 must be above 0, up to 2"),
        ({"method": "multi-siamese", "weight": -1}, "rival.weight: -1.0 must be a number of at least 0"),
    ],
)
def test_what_cannot_be_is_named(options: dict, why: str) -> None:
    with pytest.raises(FarviewError, match=why):
        config_of(options)


def test_names_are_the_configs_own() -> None:
    assert names(IsrConfig) == names(PotConfig) | {"copies", "pool", "search_clips"}
    assert all(item.name in names(I3dConfig) for item in fields(I3dConfig))
