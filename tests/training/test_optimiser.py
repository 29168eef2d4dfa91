"""The rate's course against the paper's words, what is decayed, and a step by hand."""

import pytest
import torch
from torch import nn

from farview.models.temporal_attention import TemporalAttention
from farview.training.optimiser import optimiser, rate
from farview.training.recipe import PhaseConfig


def test_paper_schedule() -> None:
    paper = PhaseConfig()  # 50 epochs, /10 every 20, 5 to warm up
    assert rate(paper, 0) == 0
    assert rate(paper, 2.5) == pytest.approx(0.5)
    assert rate(paper, 5) == rate(paper, 19.9) == 1
    assert rate(paper, 20) == pytest.approx(0.1)
    assert rate(paper, 49.9) == pytest.approx(0.01)


def test_cosine_falls_to_zero() -> None:
    phase = PhaseConfig(epochs=12, schedule="cosine", warmup=2)
    assert rate(phase, 1) == pytest.approx(0.5)
    assert rate(phase, 2) == pytest.approx(1)
    assert rate(phase, 7) == pytest.approx(0.5)
    assert rate(phase, 12) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("kind", "factor"), [("sgd", 1.0), ("adamw", 0.1)])
def test_temporal_attention_learns_slowly_under_adamw(kind: str, factor: float) -> None:
    network = nn.ModuleList([nn.Linear(3, 3), TemporalAttention(2, 4)])
    chosen = optimiser([network], PhaseConfig(optimizer=kind, lr=0.5))  # type: ignore[arg-type]
    rates = {id(p): group["lr"] for group in chosen.param_groups for p in group["params"]}
    assert all(rates[id(p)] == pytest.approx(0.5 * factor) for p in network[1].parameters())
    assert all(rates[id(p)] == 0.5 for p in network[0].parameters())
    assert len(rates) == len(list(network.parameters()))


@pytest.mark.parametrize("kind", ["sgd", "adamw", "rmsprop"])
def test_norms_and_biases_are_not_decayed(kind: str) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    chosen = optimiser([network], PhaseConfig(optimizer=kind, weight_decay=0.3))  # type: ignore[arg-type]
    decay = {id(p): group["weight_decay"] for group in chosen.param_groups for p in group["params"]}
    assert decay == {id(p): 0.3 if p.ndim > 1 else 0.0 for p in network.parameters()}


def test_rmsprop_divides_by_the_root_of_the_mean_square() -> None:
    """Two steps by hand: the mean square forgets 1 %, its root has 1e-8 added; the weights alone are decayed."""
    network = nn.Linear(1, 1).double()
    phase = PhaseConfig(optimizer="rmsprop", lr=0.1, weight_decay=0.5)
    chosen = optimiser([network], phase)
    values = [p.item() for p in (network.weight, network.bias)]
    squares = [0.0, 0.0]
    for gradients in ((3.0, -2.0), (0.5, 4.0)):
        for i, (p, g) in enumerate(zip((network.weight, network.bias), gradients, strict=True)):
            p.grad = torch.full_like(p, g)
            g += 0.5 * values[i] if i == 0 else 0.0
            squares[i] = 0.99 * squares[i] + 0.01 * g**2
            values[i] -= 0.1 * g / (squares[i] ** 0.5 + 1e-8)
        chosen.step()
    assert [p.item() for p in (network.weight, network.bias)] == pytest.approx(values, rel=1e-12)
