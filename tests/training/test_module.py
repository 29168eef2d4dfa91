"""What a training step of the transfer runs: T-Net where something asks for it, never otherwise."""

import pytest
import torch

from farview.data.batches import Batch
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.models.contract import Contract, NetworkConfig
from farview.models.network import ActionNetwork
from farview.training.module import TransferTraining
from farview.training.recipe import PhaseConfig
from farview.transfer import total
from farview.transfer.config import TransferConfig
from farview.transfer.total import TransferLoss

B, K, CLASSES, SIZE = 3, 2, 4, (12, 16)
NONE = {"sat": 0.0, "tat": 0.0}


def module(loss: TransferConfig, student: tuple[int, int] = SIZE) -> TransferTraining:
    torch.manual_seed(0)
    config = NetworkConfig("resnet18", 4, "tiny")
    teacher, network = (ActionNetwork(config, CLASSES, 1, K, 1) for _ in range(2))
    contract = Contract(
        tuple("abcd"), config, 1, student, "elr", SensorModel(6, 8), Intervals(K, 1), (0.45,), (0.225,)
    )
    return TransferTraining(network, contract, PhaseConfig(), 0, teacher, TransferLoss(loss, 1), SIZE)


def batch(labels: list[int], hr: bool = True) -> Batch:
    g = torch.Generator().manual_seed(1)
    high = torch.randint(0, 256, (B, K, 1, *SIZE, 1), generator=g, dtype=torch.uint8)
    return Batch(list("xyz"), torch.tensor(labels), high if hr else None, high[..., ::2, ::2, :], None, None)


def calls(training: TransferTraining, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled with who ran: T-Net, the confidence map."""
    made: list[str] = []
    training._teacher[0].register_forward_hook(lambda *_: made.append("T-Net"))
    for name in ("difference_confidence", "learned_confidence"):
        real = getattr(total, name)
        monkeypatch.setattr(total, name, lambda *a, real=real: (made.append("map"), real(*a))[1])
    return made


@pytest.mark.parametrize("confidence", ["difference", "mlp"])
@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({}, []),
        ({"kd": 1.0}, ["T-Net"]),
        ({"dkd": 1.0, "dist": 1.0}, ["T-Net"]),
        ({"sat": 1.0}, ["T-Net", "map"]),
        ({"tat": 1.0}, ["T-Net", "map"]),
        ({"feature": 1.0}, ["T-Net", "map"]),
    ],
)
def test_runs_what_the_weights_ask_for(weights, expected, confidence, monkeypatch) -> None:
    training = module(TransferConfig(ce=1, **NONE | weights, confidence=confidence))
    made = calls(training, monkeypatch)
    terms = training.terms(batch([0, 1, 3]))
    assert made == expected
    assert {"ce", "total", *weights} <= set(terms)
    terms["total"].backward()
    assert all(p.grad is not None for p in training.parameters())


def test_without_t_net_the_total_is_the_labels_cross_entropy_and_hr_is_not_needed() -> None:
    training = module(TransferConfig(ce=1, **NONE)).eval()
    terms = training.terms(batch([0, 1, 3], hr=False))
    logits = training.see(training.network, training.video(batch([0, 1, 3]))).logits
    expected = -logits.log_softmax(1)[range(B), [0, 1, 3]].mean()
    torch.testing.assert_close(terms["total"], expected)


def test_unlabeled_clips_ask_t_net_for_their_labels(monkeypatch) -> None:
    training = module(TransferConfig(ce=1, **NONE)).eval()
    made = calls(training, monkeypatch)
    mixed = batch([0, -1, 3])
    terms = training.terms(mixed)
    assert made == ["T-Net"]
    hr, elr = mixed.videos(SIZE)
    soft = training.see(training._teacher[0], hr).logits.softmax(1)[1]
    said = training.see(training.network, elr).logits.log_softmax(1)
    expected = -(said[0, 0] + said[2, 3] + (soft * said[1]).sum()) / B
    torch.testing.assert_close(terms["ce"], expected)


@pytest.mark.parametrize("weights", [{"kd": 1.0}, {"sat": 1.0, "tat": 1.0}])
def test_s_net_sees_its_own_size_and_the_map_that_of_t_net(weights, monkeypatch) -> None:
    training = module(TransferConfig(ce=1, **NONE | weights, confidence="difference"), student=(6, 8))
    shapes: dict[str, tuple[int, ...]] = {}
    training._teacher[0].register_forward_hook(lambda _, x, y: shapes.update(teacher=tuple(x[0].shape)))
    training.network.register_forward_hook(lambda _, x, y: shapes.update(student=tuple(x[0].shape)))
    real = training.loss.confidence
    monkeypatch.setattr(
        training.loss,
        "confidence",
        lambda hr, elr: (shapes.update(hr=tuple(hr.shape), elr=tuple(elr.shape)), real(hr, elr))[1],
    )
    training.terms(batch([0, 1, 3]))["total"].backward()
    large, small = (B, K, 1, 1, *SIZE), (B, K, 1, 1, 6, 8)
    expected = {"teacher": large, "student": small}
    assert shapes == (expected | {"hr": large, "elr": large} if "sat" in weights else expected)
