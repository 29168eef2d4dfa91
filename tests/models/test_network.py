import re

import pytest
import torch

from farview.errors import FarviewError
from farview.models.network import ActionNetwork, NetworkConfig, least_size

BACKBONES = ("resnet18", "resnet34", "r2plus1d18", "r2plus1d34")
STEMS = ("imagenet", "small", "tiny")


def small(backbone="resnet18", stem="tiny", channels=3, intervals=3, frames=2, **config) -> ActionNetwork:
    torch.manual_seed(0)
    return ActionNetwork(NetworkConfig(backbone, 4, stem, **config), 7, channels, intervals, frames)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_native_elr_input_gives_named_outputs_and_gradients(backbone, stem, channels) -> None:
    network = small(backbone, stem, channels).train()
    output = network(torch.randn(2, 3, channels, 2, 12, 16))
    assert output.logits.shape == (2, 7)
    assert output.features.shape == (2, 3, 32)
    assert output.hidden.shape == (2, 64)
    assert output.scores.shape == output.attention.shape == (2, 3)
    assert [s.shape[:3] for s in output.stages] == [(2, 3, 4), (2, 3, 8), (2, 3, 16), (2, 3, 32)]
    assert all(s.ndim == 6 for s in output.stages)
    loss = torch.nn.functional.cross_entropy(output.logits, torch.tensor([1, 4]))
    loss.backward()
    unreached = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not unreached
    assert all(p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("backbone", ["resnet18", "r2plus1d18"])
@pytest.mark.parametrize("size", [(13, 17), (12, 340), (31, 9)])
def test_odd_sizes_work(backbone, size) -> None:
    output = small(backbone, "imagenet").eval()(torch.randn(1, 3, 3, 2, *size))
    assert output.logits.isfinite().all()


def test_logits_come_from_the_weighted_sum() -> None:
    network = small("resnet18").double().eval()
    output = network(torch.randn(2, 3, 3, 2, 12, 16, dtype=torch.float64))
    for b in range(2):
        pooled = output.stages[-1][b].mean((-1, -2))[..., 0]  # (K, D)
        torch.testing.assert_close(output.features[b], pooled)
        video = sum(output.attention[b, k] * pooled[k] for k in range(3))
        expected = network.fc.weight @ video + network.fc.bias
        torch.testing.assert_close(output.logits[b], expected)
    torch.testing.assert_close(output.attention, output.scores.softmax(1))


def test_equal_intervals_give_the_features_of_one() -> None:
    network = small("resnet18").double().eval()
    clip = torch.randn(1, 1, 3, 2, 12, 16, dtype=torch.float64).expand(-1, 3, -1, -1, -1, -1)
    output = network(clip)
    torch.testing.assert_close(output.logits, network.fc(output.features[:, 0]))


@pytest.mark.parametrize("backbone", ["resnet18", "r2plus1d18"])
def test_intervals_and_clips_do_not_mix_in_the_backbone(backbone) -> None:
    network = small(backbone).double().eval()
    clips = torch.randn(2, 3, 3, 2, 12, 16, dtype=torch.float64)
    changed = clips.clone()
    changed[1, 2] += 1
    before, after = network(clips), network(changed)
    for old, new in zip((before.features, *before.stages), (after.features, *after.stages), strict=True):
        differs = (old - new).abs().flatten(2).amax(2) > 1e-9  # (B, K)
        assert differs.tolist() == [[False, False, False], [False, False, True]]


def test_frames_are_stacked_as_colour_then_time() -> None:
    network = small("resnet18", channels=3, frames=2).eval()
    clips = torch.randn(1, 3, 3, 2, 12, 16)
    stacked = torch.stack([clips[0, :, c, t] for c in range(3) for t in range(2)], dim=1)  # (K, C*T, H, W)
    torch.testing.assert_close(network(clips).stages[0][0, :, :, 0], network.backbone(stacked)[0])


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("backbone", ["resnet18", "r2plus1d18"])
def test_too_small_an_input_is_refused_by_name(backbone, stem) -> None:
    network = small(backbone, stem).eval()
    least = least_size(network.config)
    assert least <= 12
    second = network(torch.randn(1, 3, 3, 2, least, least)).stages[1]
    assert min(second.shape[-2:]) == 2
    with pytest.raises(FarviewError, match=f"{least - 1}x99.*{backbone}.*{stem}.*{least}x{least} or more"):
        network(torch.randn(1, 3, 3, 2, least - 1, 99))


@pytest.mark.parametrize(
    "shape", [(1, 4, 3, 2, 12, 16), (1, 3, 1, 2, 12, 16), (1, 3, 3, 1, 12, 16), (3, 3, 2, 12, 16)]
)
def test_another_shape_is_refused_by_name(shape) -> None:
    with pytest.raises(FarviewError, match=re.escape(str(shape)) + r".*\(B, 3, 3, 2, H, W\)"):
        small()(torch.zeros(shape))


def test_dropout_acts_in_training_alone() -> None:
    network = small(dropout=0.5)
    clips = torch.randn(2, 3, 3, 2, 12, 16)
    network.eval()
    torch.testing.assert_close(network(clips).logits, network(clips).logits, rtol=0, atol=0)
    network.dropout.train()
    assert (network(clips).logits - network(clips).logits).abs().max() > 0


def test_initial_weights_depend_on_the_seed_alone_and_are_small_in_the_head() -> None:
    one, two = small(), small()
    for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    network = ActionNetwork(NetworkConfig("resnet18"), 101, 3, 8, 1)
    conv = network.backbone.layer2[1].conv1.weight
    assert conv.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)  # He et al., fan-out
    assert network.fc.weight.std().item() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"backbone": "resnet50"}, "network.backbone is 'resnet50'.*resnet18, resnet34"),
        ({"stem": "big"}, "network.stem is 'big'.*imagenet, small, tiny"),
        ({"width": 0}, "network.width is 0"),
        ({"dropout": 1.0}, "network.dropout is 1.0"),
    ],
)
def test_a_wrong_config_is_refused_by_key(values, message) -> None:
    with pytest.raises(FarviewError, match=message):
        NetworkConfig(**values)


def test_differences_stack_the_first_frame_and_the_changes() -> None:
    network = ActionNetwork(NetworkConfig("resnet18", 8, "small", differences=True), 3, 2, 2, 3)
    x = torch.randn(5, 2, 3, 6, 7)  # (N, C, T, H, W)
    first, second, third = x[:, :, 0], x[:, :, 1], x[:, :, 2]
    expected = torch.stack([first, 3 * (second - first), 3 * (third - second)], 2).reshape(5, 6, 6, 7)
    torch.testing.assert_close(network.stack(x), expected)


def test_a_still_picture_has_no_changes() -> None:
    network = ActionNetwork(NetworkConfig("resnet18", 8, "small", differences=True), 3, 1, 2, 3)
    still = torch.rand(2, 1, 1, 6, 7).expand(2, 1, 3, 6, 7)
    assert (network.stack(still)[:, 1:] == 0).all()
