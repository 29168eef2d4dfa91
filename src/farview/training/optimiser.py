"""Optimiser and learning rate of a phase."""

import math
from collections.abc import Iterable

from torch import nn
from torch.optim import SGD, AdamW, Optimizer, RMSprop

from farview.models.temporal_attention import TemporalAttention
from farview.training.recipe import PhaseConfig

ATTENTION_RATE = 0.1
"""AdamW: factor on the rate of temporal attention. Its K*D inputs have one sign, so that steps of equal size for
every weight add up, and the softmax locked onto one interval within a few dozen steps (`docs/decisions.md`)."""


def optimiser(modules: Iterable[nn.Module], phase: PhaseConfig) -> Optimizer:
    """SGD with momentum, AdamW or RMSprop (PyTorch's; no momentum); norms and biases are not decayed."""
    modules = list(modules)
    slow = {
        id(p)
        for top in modules
        for m in top.modules()
        if isinstance(m, TemporalAttention)
        for p in m.parameters()
    }
    groups = []
    for decayed in (True, False):
        for attention in (False, True):
            chosen = [
                p
                for module in modules
                for p in module.parameters()
                if p.requires_grad and (p.ndim > 1) == decayed and (id(p) in slow) == attention
            ]
            factor = ATTENTION_RATE if attention and phase.optimizer == "adamw" else 1.0
            decay = phase.weight_decay if decayed else 0.0
            groups.append({"params": chosen, "weight_decay": decay, "lr": phase.lr * factor})
    if phase.optimizer == "sgd":
        return SGD(groups, lr=phase.lr, momentum=phase.momentum)
    if phase.optimizer == "rmsprop":
        return RMSprop(groups, lr=phase.lr)
    return AdamW(groups, lr=phase.lr)


def rate(phase: PhaseConfig, epoch: float) -> float:
    """Factor on `lr` at a fractional epoch: linear warm-up, then steps of 1/10 or a cosine to 0 (paper, Sec. IV-B).

    The steps count from epoch 0, as in "divided by 10 for every 20 epochs".
    """
    warm = min(1.0, epoch / phase.warmup) if phase.warmup > 0 else 1.0
    if phase.schedule == "step":
        return warm * 0.1 ** (epoch // phase.step)
    if epoch < phase.warmup:
        return warm
    share = (epoch - phase.warmup) / max(phase.epochs - phase.warmup, 1e-9)
    return 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
