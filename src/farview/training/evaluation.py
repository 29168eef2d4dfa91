"""A network's logits on a list of clips: what every figure is made from."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from farview.data.augment import normalise
from farview.data.batches import ClipFrames, EpochBatches, loader
from farview.data.clip import Clip
from farview.errors import FarviewError
from farview.frames.store import FrameStore
from farview.models.contract import Contract
from farview.models.network import ActionNetwork


@dataclass(frozen=True)
class Predictions:
    """Logits of N clips, in the order of `clips`. Raises FarviewError, naming the clips, where some are not finite."""

    clips: tuple[str, ...]
    labels: Tensor
    """(N,) int64."""
    logits: Tensor
    """(N, classes) float32, of whole videos."""
    interval_logits: Tensor
    """(N, K, classes) float32, of single intervals."""
    features: Tensor
    """(N, D) float32: the attention-weighted sum of interval features, of a temporal pyramid those of its parts."""
    attention: Tensor
    """(N, K) float32: temporal attention, rows sum to 1."""

    def __post_init__(self) -> None:
        refuse_not_finite(self.logits, self.clips)


def refuse_not_finite(logits: Tensor, clips: Sequence[str]) -> None:
    """Raise FarviewError, naming the clips, where logits (N, classes) are NaN or infinite."""
    finite = logits.isfinite().all(1)
    if not finite.all():
        bad = [clip for clip, good in zip(clips, finite.tolist(), strict=True) if not good]
        raise FarviewError(
            f"the network's logits are not finite on {len(bad)} of {len(clips)} clips: {shown(bad)}; its training "
            f"diverged, or these clips are broken: look at them, train with a lower rate or set clip_norm"
        )


def shown(clips: Sequence[str]) -> str:
    """The first clips by name and how many more there are."""
    return ", ".join(clips[:8]) + (f" and {len(clips) - 8} more" if len(clips) > 8 else "")


@torch.inference_mode()
def predict_clips(
    network: ActionNetwork,
    contract: Contract,
    clips: Sequence[Clip],
    store: FrameStore,
    batch: int = 16,
    device: torch.device | str = "cpu",
) -> Predictions:
    """Centred intervals of every clip through the network in eval mode."""
    if not clips:
        raise ValueError("no clips to predict")
    hr = contract.resolution == "hr"
    data = ClipFrames(clips, store, contract.intervals, hr=hr, elr=not hr)
    network = network.to(device).eval()
    parts = []
    for each in loader(data, EpochBatches(len(clips), batch, train=False)):
        videos = each.to(device).videos(contract.input_size)
        output = network(normalise(videos[0] if hr else videos[1], contract.mean, contract.std))
        pooled = network.video(output.features, output.attention)
        parts.append(
            (each.labels, output.logits, network.interval_logits(output.features), pooled, output.attention)
        )
    labels, logits, interval_logits, features, attention = (
        torch.cat(part).cpu() for part in zip(*parts, strict=True)
    )
    return Predictions(tuple(c.id for c in clips), labels, logits, interval_logits, features, attention)
