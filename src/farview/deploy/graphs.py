"""A trained model as two graphs, so that features of an interval can be used again: the PyTorch side of `Runner`."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from farview.data.augment import as_video, enlarge, normalise
from farview.deploy.runner import Run, Runner
from farview.models.contract import Contract
from farview.models.model_file import load_model
from farview.models.network import ActionNetwork
from farview.models.temporal_pyramid import pyramid


class IntervalGraph(nn.Module):
    """Frames of one interval as the model's camera gives them, to their features; all pre-processing is inside."""

    def __init__(self, network: ActionNetwork, contract: Contract) -> None:
        super().__init__()
        self.network, self.contract = network, contract

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, h, w, C) uint8 -> (B, D)."""
        video = enlarge(as_video(frames[:, None]), self.contract.input_size)  # (B, 1, C, T, H, W)
        clips = normalise(video, self.contract.mean, self.contract.std).flatten(0, 1)  # (B, C, T, H, W)
        last = self.network.backbone(self.network.stack(clips))[-1]  # (B, D, ..., H_4, W_4)
        return last.flatten(2).mean(2)


class DecisionGraph(nn.Module):
    """Features of a video's intervals, to its scores."""

    def __init__(self, network: ActionNetwork) -> None:
        super().__init__()
        self.attention, self.fc, self.levels = network.attention, network.fc, network.config.pyramid
        self.shape = network.intervals, network.backbone.features  # (K, D)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, K, D) -> scores (B, classes) and temporal attention (B, K); rows of both sum to 1."""
        attention = self.attention(features).attention
        return self.fc(pyramid(features, attention, self.levels)).softmax(1), attention


def graphs(path: Path | str) -> tuple[IntervalGraph, DecisionGraph, Contract]:
    """Both graphs of a model file, on the CPU and in eval mode. Raises FarviewError where it is none."""
    network, contract = load_model(path)
    return IntervalGraph(network, contract).eval(), DecisionGraph(network).eval(), contract


def runs(graph: nn.Module) -> Run:
    """A graph as a function of arrays."""

    @torch.inference_mode()
    def run(array: NDArray) -> list[NDArray]:
        out = graph(torch.from_numpy(np.ascontiguousarray(array)))
        return [each.numpy() for each in (out if isinstance(out, tuple) else (out,))]

    return run


def runner(path: Path | str, threads: int | None = None) -> Runner:
    """A model file run by PyTorch; `threads` is for the whole process. Raises FarviewError where it is none."""
    if threads:
        torch.set_num_threads(threads)
    interval, decision, contract = graphs(path)
    return Runner(contract, runs(interval), runs(decision))
