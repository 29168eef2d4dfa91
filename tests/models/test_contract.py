import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farview.errors import FarviewError
from farview.frames.flow import FlowConfig
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.models.contract import FORMAT, Contract, NetworkConfig, StudentNetwork

CONTRACT = Contract(
    classes=("wave", "Händeschütteln", "跳"),
    network=NetworkConfig("r2plus1d18", 8, "tiny", 0.25),
    channels=1,
    input_size=(48, 64),
    resolution="elr",
    sensor=SensorModel(6, 8, 0.4, 1.5, 3),
    intervals=Intervals(4, 5, 2),
    mean=(0.45,),
    std=(0.225,),
    trained={"recipe": {"lr": 0.001}, "seed": 3},
    accuracy={"test": {"prec1": 47.3, "clips": 12}},
)


def test_text_and_back() -> None:
    assert Contract.from_json(CONTRACT.to_json()) == CONTRACT
    turned = replace(CONTRACT, trained=dict(reversed(CONTRACT.trained.items())))
    assert turned.to_json() == CONTRACT.to_json()
    plain = replace(CONTRACT, sensor=None, resolution="hr")
    assert Contract.from_json(plain.to_json()) == plain


def test_a_pyramid_is_what_an_older_farview_must_not_overlook() -> None:
    assert "pyramid" not in json.loads(CONTRACT.to_json())["network"]
    ordered = replace(CONTRACT, network=replace(CONTRACT.network, pyramid=2))
    assert json.loads(ordered.to_json())["format"] == 3
    assert Contract.from_json(ordered.to_json()) == ordered


def test_models_of_frames_are_written_as_before_there_was_flow() -> None:
    text = json.loads(CONTRACT.to_json())
    assert text["format"] == 1 and "flow" not in text
    moving = replace(CONTRACT, channels=2, mean=(0.5, 0.5), std=(0.1, 0.1), flow=FlowConfig("tvl1", 10.0))
    assert json.loads(moving.to_json())["format"] == 2  # an older Farview must not take it for frames
    assert Contract.from_json(moving.to_json()) == moving
    with pytest.raises(FarviewError, match="of flow 2"):
        replace(moving, flow=None)
    with pytest.raises(FarviewError, match="of flow 2"):
        replace(CONTRACT, flow=FlowConfig())


@settings(max_examples=50, deadline=None)
@given(
    classes=st.lists(st.text(), min_size=1).map(tuple),
    mean=st.floats(0, 1),
    std=st.floats(1e-6, 1e6),
    size=st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
)
def test_text_and_back_is_exact_for_any_values(classes, mean, std, size) -> None:
    contract = replace(CONTRACT, classes=classes, mean=(mean,), std=(std,), input_size=size)
    text = contract.to_json()
    assert Contract.from_json(text) == contract
    assert Contract.from_json(text).to_json() == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resolution": "low"}, "resolution is 'low'"),
        ({"sensor": None}, "sensor is missing"),
        ({"classes": ()}, "classes are"),
        ({"channels": 2}, "channels is 2"),
        ({"input_size": (0, 16)}, "input_size"),
        ({"mean": (0.4, 0.4, 0.4)}, "mean.*1 channel"),
        ({"std": (0.0,)}, "std above 0"),
    ],
)
def test_a_contract_that_cannot_be_is_refused_by_key(change, message) -> None:
    with pytest.raises(FarviewError, match=message):
        replace(CONTRACT, **change)


def test_a_newer_format_is_refused_before_anything_else_is_read() -> None:
    with pytest.raises(FarviewError, match=rf"format {FORMAT + 1}.*up to {FORMAT}: upgrade farview"):
        Contract.from_json(json.dumps({"format": FORMAT + 1, "unheard": "of"}))


def test_broken_text_is_refused_by_key() -> None:
    values = json.loads(CONTRACT.to_json())
    broken = {
        "missing or unknown: mean": {k: v for k, v in values.items() if k != "mean"},
        "missing or unknown: colour": values | {"colour": 1},
        "network.backbone": values | {"network": {"backbone": "vgg"}},
        "depth": values | {"intervals": {"depth": 3}},
        "'format'": {k: v for k, v in values.items() if k != "format"},
        "metadata": [1, 2],
    }
    for message, content in broken.items():
        with pytest.raises(FarviewError, match=message) as caught:
            Contract.from_json(json.dumps(content))
        assert "\n" not in str(caught.value)
    with pytest.raises(FarviewError, match="metadata"):
        Contract.from_json("{")


def test_s_net_is_t_net_but_for_what_the_section_says() -> None:
    teacher = NetworkConfig("r2plus1d18", 24, "small", True, 0.25)
    assert StudentNetwork().of(teacher) == teacher
    assert StudentNetwork(width_factor=0.5).of(teacher) == replace(teacher, width=12)
    other = StudentNetwork("resnet18", 1 / 3, "tiny").of(teacher)
    assert other == NetworkConfig("resnet18", 8, "tiny", True, 0.25)


@settings(max_examples=50, deadline=None)
@given(width=st.integers(1, 512), factor=st.floats(0.01, 4))
def test_a_width_is_the_nearest_whole_number_or_refused(width: int, factor: float) -> None:
    section = StudentNetwork(width_factor=factor)
    if factor * width > 0.5:
        assert abs(section.of(NetworkConfig(width=width)).width - factor * width) <= 0.5
    else:
        with pytest.raises(FarviewError, match=rf"expected 1/{width} or more"):
            section.of(NetworkConfig(width=width))


@pytest.mark.parametrize("factor", [0.0, -0.5, float("inf"), float("nan")])
def test_a_factor_that_is_no_share_is_refused_by_key(factor: float) -> None:
    with pytest.raises(FarviewError, match=r"student_network\.width_factor: .*network\.width 64") as caught:
        StudentNetwork(width_factor=factor).of(NetworkConfig())
    assert "\n" not in str(caught.value)


def test_reading_a_contract_needs_no_torch() -> None:
    code = "import sys, farview.models.model_file, farview.models.contract; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
