"""Temporal attention module (paper section III-B, Fig. 4): how much each interval says about the action."""

from typing import NamedTuple

from torch import Tensor, nn


class Attention(NamedTuple):
    """What the module makes of a video's intervals."""

    hidden: Tensor
    """(B, 64) output of the first fully connected layer, before its ReLU (our choice: as the scores are before
    their softmax; no vector is all zeros then). With the scores, what TAT compares."""
    scores: Tensor
    """(B, K) output of the second fully connected layer, before the softmax."""
    attention: Tensor
    """(B, K) softmax of the scores: above 0, sum 1."""


class TemporalAttention(nn.Module):
    """Features of all intervals stacked, FC 64, ReLU, FC K, softmax."""

    def __init__(self, intervals: int, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.fc1 = nn.Linear(intervals * features, hidden)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden, intervals)
        # Ours: attention starts nearly uniform. Random scores made one interval win for good within a few dozen steps.
        nn.init.normal_(self.fc2.weight, std=0.01)
        nn.init.zeros_(self.fc2.bias)

    def forward(self, features: Tensor) -> Attention:
        """(B, K, D) interval features -> `Attention`."""
        hidden = self.fc1(features.flatten(1))  # (B, 64)
        scores = self.fc2(self.relu(hidden))  # (B, K)
        return Attention(hidden, scores, scores.softmax(1))
