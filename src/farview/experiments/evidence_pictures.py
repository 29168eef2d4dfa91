"""What down-sampling lost, and where the transfer trusts T-Net (the paper's Fig. 6 and 7)."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from farview.experiments.pictures import Row, grey_picture, rgb
from farview.frames.source import Images
from farview.transfer.confidence import grey, is_kept
from farview.transfer.config import ConfidenceKind, TransferConfig
from farview.transfer.learned import Extractor, learned_confidence
from farview.transfer.total import TransferLoss

NAMES: dict[ConfidenceKind, str] = {"difference": "difference", "gradient": "gradient", "mlp": "MLP"}
PLAIN: tuple[ConfidenceKind, ...] = ("difference", "gradient")
"""Maps that follow from the frames alone."""
RED = np.array([214, 40, 40])


@torch.inference_mode()
def evidence_rows(
    hr: Tensor, elr: Tensor, config: TransferConfig, extractor: Extractor | None = None
) -> list[Row]:
    """Rows of one clip: HR, up-sampled eLR, what was lost, and each confidence map that can be had.

    Args:
        hr: T-Net's input, grey levels 0..255 (1, K, C, T, H, W).
        elr: eLR frames enlarged to the same shape, in the same geometry.
        config: Settings of the maps, and which of them was used in training.
        extractor: Of the MLP map; without it that map is left out.
    """
    frames = middle_pictures(hr)
    change = middle_maps((grey(hr) - grey(elr)).abs())
    levels = "levels of flow" if hr.shape[2] == 2 else "grey levels"
    rows = [
        Row("HR: what T-Net sees", frames),
        Row("eLR enlarged: what S-Net sees", middle_pictures(elr)),
        Row(f"lost: changed by {config.same:g} {levels} or more", tinted(frames, change >= config.same)),
    ]
    for kind, confidence in confidence_maps(hr, elr, config, extractor).items():
        kept = is_kept(confidence, config.threshold)
        label = f"confidence: {NAMES[kind]} map" + (", used in training" if kind == config.confidence else "")
        note = f"{100 * float(kept.mean()):.0f} % kept"
        rows.append(Row(label, grey_picture(middle_maps(confidence * kept)), note=note))
    return rows


@torch.inference_mode()
def confidence_maps(
    hr: Tensor, elr: Tensor, config: TransferConfig, extractor: Extractor | None = None
) -> dict[ConfidenceKind, Tensor]:
    """Each confidence map that can be had, 0..1 (1, K, T, H, W), before the threshold; arguments as above."""
    maps = {
        kind: TransferLoss(replace(config, confidence=kind), hr.shape[2]).confidence(hr, elr)
        for kind in PLAIN
    }
    learned = None if extractor is None else learned_confidence(extractor, hr, elr)
    return {kind: made for kind, made in (*maps.items(), ("mlp", learned)) if made is not None}


def middle_maps(maps: Tensor) -> np.ndarray:
    """The middle frame of each interval of maps (1, K, T, H, W): (K, H, W)."""
    return maps[0, :, maps.shape[2] // 2].float().cpu().numpy()


def middle_pictures(video: Tensor) -> Images:
    """The middle frame of each interval of a video (1, K, C, T, H, W) of grey levels: (K, H, W, 3)."""
    frames = video[0, :, :, video.shape[3] // 2].permute(0, 2, 3, 1)  # (K, H, W, C)
    return rgb(frames.round().clamp(0, 255).to(torch.uint8).cpu().numpy())


def tinted(frames: Images, where: np.ndarray) -> Images:
    """Frames (K, H, W, 3), greyed, with red over the places (K, H, W) that are true."""
    grey_frames = frames.mean(-1, keepdims=True)
    red = 0.35 * grey_frames + 0.65 * RED
    return np.rint(np.where(where[..., None], red, grey_frames)).astype(np.uint8)
