import dataclasses

import pytest
import torch
from torch import nn

from farview.errors import FarviewError
from farview.models.cost import cost, multiply_adds
from farview.models.network import ActionNetwork, NetworkConfig


def test_resnet34_costs_what_the_paper_says() -> None:
    c = cost(NetworkConfig("resnet34"), 101, 3, 8, 1, (256, 340))
    assert c.interval == 6_493_604_352
    assert round(c.interval_mmcv / 1e9, 4) == 6.5144
    assert c.interval_mmcv_all == c.interval_mmcv
    assert round(c.parameters / 1e6, 4) == 21.3365
    assert c.parameters_total == c.parameters + 8 * 512 * 64 + 64 + 64 * 8 + 8


def test_r2plus1d18_costs_what_the_paper_says() -> None:
    c = cost(NetworkConfig("r2plus1d18"), 400, 3, 4, 5, (256, 340))
    assert round(c.interval / 1e9, 4) == 28.8666
    assert round(c.interval_mmcv / 1e9, 4) == 28.9882
    assert round(c.interval_mmcv_all / 1e9, 4) == 29.0236
    assert round(c.parameters / 1e6, 4) == 33.4329
    assert round(cost(NetworkConfig("r2plus1d34"), 400, 3, 4, 5, (256, 340)).parameters / 1e6, 1) == 63.8


def test_resnet34_by_hand() -> None:
    maps = [(64, 85), (32, 43), (16, 22), (8, 11)]
    pixels = [h * w for h, w in maps]
    multiply_adds = 128 * 170 * 64 * 3 * 49
    norms = relus = 128 * 170 * 64
    pools = 128 * 170 * 64 + pixels[3] * 512
    inputs = 64
    for planes, blocks, n in zip((64, 128, 256, 512), (3, 4, 6, 3), pixels, strict=True):
        for block in range(blocks):
            multiply_adds += n * planes * 9 * (inputs + planes)
            norms += 2 * n * planes
            relus += 2 * n * planes
            if block == 0 and planes > 64:
                multiply_adds += n * planes * inputs
                norms += n * planes
            inputs = planes
    multiply_adds += 512 * 101
    c = cost(NetworkConfig("resnet34"), 101, 3, 8, 1, (256, 340))
    assert c.interval == multiply_adds
    assert c.interval_mmcv == multiply_adds + 2 * norms + relus + pools
    attention = 8 * 512 * 64 + 64 * 8
    assert c.video == 8 * (multiply_adds - 512 * 101) + attention + 512 * 101


@pytest.mark.parametrize("backbone", ["resnet18", "resnet34", "r2plus1d18", "r2plus1d34"])
def test_any_network_on_native_elr_input(backbone) -> None:
    config = NetworkConfig(backbone, width=8, stem="tiny")
    c = cost(config, 10, 1, 8, 3, (12, 16))
    with torch.device("meta"):
        network = ActionNetwork(config, 10, 1, 8, 3)
        whole = multiply_adds(lambda: network(torch.empty(1, 8, 1, 3, 12, 16)))
    assert c.video == whole
    assert c.parameters_total == sum(p.numel() for p in network.parameters())
    assert 0 < c.interval < c.interval_mmcv <= c.interval_mmcv_all
    assert all(isinstance(value, int) for value in dataclasses.asdict(c).values())


def test_a_size_that_the_network_cannot_take_is_refused() -> None:
    with pytest.raises(FarviewError, match="6x8"):
        cost(NetworkConfig("resnet34"), 10, 3, 8, 1, (6, 8))


def test_recurrent_layers_and_attention_by_hand() -> None:
    """Also where PyTorch has a fused kernel: an eval-mode attention without gradients."""
    gru = nn.GRU(10, 20, batch_first=True, bidirectional=True)
    assert multiply_adds(lambda: gru(torch.zeros(3, 7, 10))) == 2 * 3 * 7 * 3 * (10 * 20 + 20 * 20)
    attention, tokens = nn.MultiheadAttention(32, 4, batch_first=True).eval(), torch.zeros(2, 9, 32)
    for weights in (True, False):
        with torch.no_grad():
            counted = multiply_adds(lambda: attention(tokens, tokens, tokens, need_weights=weights))  # noqa: B023
        assert counted == 2 * (4 * 9 * 32 * 32 + 2 * 9 * 9 * 32)
