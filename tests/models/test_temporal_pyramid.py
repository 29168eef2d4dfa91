"""The pyramid against means worked by hand and by loops, in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from farview.errors import FarviewError
from farview.models.network import ActionNetwork, NetworkConfig
from farview.models.temporal_pyramid import parts, pyramid


def test_two_levels_by_hand() -> None:
    features = torch.tensor([[[1.0], [3.0], [5.0], [9.0]]], dtype=torch.float64)
    attention = torch.tensor([[0.1, 0.3, 0.3, 0.3]], dtype=torch.float64)
    # whole 0.1 + 0.9 + 1.5 + 2.7; first half (0.1 + 0.9) / 0.4; second (1.5 + 2.7) / 0.6
    torch.testing.assert_close(
        pyramid(features, attention, 2), torch.tensor([[5.2, 2.5, 7.0]], dtype=torch.float64)
    )


def test_one_level_is_the_papers_weighted_sum() -> None:
    features, scores = torch.randn(3, 5, 4, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    attention = scores.softmax(1)
    torch.testing.assert_close(
        pyramid(features, attention, 1), torch.einsum("bk,bkd->bd", attention, features)
    )


@given(levels=st.integers(1, 4), extra=st.integers(0, 9), seed=st.integers(0, 99))
def test_each_part_is_a_mean_of_its_own_intervals(levels: int, extra: int, seed: int) -> None:
    """Every interval is in one part of each level; equal intervals give that interval everywhere."""
    count = 2 ** (levels - 1) + extra
    random = torch.Generator().manual_seed(seed)
    attention = torch.randn(1, count, generator=random, dtype=torch.float64).softmax(1)
    same = torch.randn(1, 1, 3, generator=random, dtype=torch.float64)
    torch.testing.assert_close(
        pyramid(same.expand(-1, count, -1), attention, levels), same[:, 0].repeat(1, parts(levels))
    )
    marked = torch.eye(count, dtype=torch.float64)[None]  # which intervals a part holds
    held = pyramid(marked, attention, levels).view(parts(levels), count) > 0
    for level in range(levels):
        of_level = held[2**level - 1 : 2 ** (level + 1) - 1]
        assert torch.equal(of_level.sum(0), torch.ones(count, dtype=torch.long))
        sizes = of_level.sum(1).tolist()
        assert max(sizes) - min(sizes) <= 1
        firsts = [int(part.nonzero()[0]) for part in of_level]
        assert firsts == sorted(firsts)


@pytest.mark.parametrize(("levels", "tells"), [(1, False), (2, True)])
def test_only_a_pyramid_tells_what_comes_first(levels: int, tells: bool) -> None:
    """With even attention the paper's video is the same either way round."""
    torch.manual_seed(0)
    network = ActionNetwork(NetworkConfig("resnet18", 4, "tiny", pyramid=levels), 7, 1, 4, 2).double().eval()
    for part in (network.attention.fc2.weight, network.attention.fc2.bias):
        torch.nn.init.zeros_(part)
    clip = torch.randn(1, 4, 1, 2, 12, 16, dtype=torch.float64)
    forward, backward = network(clip).logits, network(clip.flip(1)).logits
    assert torch.allclose(forward, backward) != tells


def test_an_interval_alone_is_a_video_that_shows_it_all_along() -> None:
    torch.manual_seed(0)
    network = ActionNetwork(NetworkConfig("resnet18", 4, "tiny", pyramid=2), 7, 1, 4, 2).double().eval()
    clip = torch.randn(1, 1, 1, 2, 12, 16, dtype=torch.float64).expand(-1, 4, -1, -1, -1, -1)
    output = network(clip)
    torch.testing.assert_close(
        network.interval_logits(output.features), output.logits[:, None].expand(-1, 4, -1)
    )


def test_more_parts_than_intervals_are_refused() -> None:
    with pytest.raises(
        FarviewError, match=r"network.pyramid: 3 levels part a video into 4; it has 3 intervals"
    ):
        ActionNetwork(NetworkConfig("resnet18", 4, "tiny", pyramid=3), 7, 1, 3, 2)


@pytest.mark.parametrize("levels", [0, 9, 1.5, "2"])
def test_levels_that_are_none_are_named(levels: object) -> None:
    with pytest.raises(FarviewError, match=r"network.pyramid is .* from 1 to 8"):
        NetworkConfig(pyramid=levels)  # type: ignore[arg-type]
