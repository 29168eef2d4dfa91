import numpy as np
import torch

from farview.models.temporal_attention import TemporalAttention


def test_equals_the_formula_written_in_numpy() -> None:
    torch.manual_seed(0)
    module = TemporalAttention(intervals=3, features=5, hidden=4).double()
    features = torch.randn(2, 3, 5, dtype=torch.float64)
    hidden, scores, attention = (t.detach().numpy() for t in module(features))
    w1, b1, w2, b2 = (p.detach().numpy() for p in module.parameters())
    for b in range(2):
        stacked = np.concatenate([features[b, k].numpy() for k in range(3)])
        first = w1 @ stacked + b1
        second = w2 @ np.maximum(first, 0) + b2
        weights = np.exp(second) / np.exp(second).sum()
        np.testing.assert_allclose(hidden[b], first, rtol=1e-12)
        np.testing.assert_allclose(scores[b], second, rtol=1e-12)
        np.testing.assert_allclose(attention[b], weights, rtol=1e-12)


def test_sizes_are_the_papers() -> None:
    module = TemporalAttention(intervals=8, features=512)
    assert module.fc1.weight.shape == (64, 8 * 512)
    assert module.fc2.weight.shape == (8, 64)


def test_weights_sum_to_one_even_for_extreme_features() -> None:
    torch.manual_seed(0)
    module = TemporalAttention(intervals=4, features=6)
    attention = module(1e4 * torch.randn(16, 4, 6)).attention
    assert torch.isfinite(attention).all()
    torch.testing.assert_close(attention.sum(1), torch.ones(16))
