"""The total loss of the transfer (paper, Eq. 4), term by term."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farview.models.network import ActionOutput
from farview.transfer.area import area_mean
from farview.transfer.attention import spatial_attention
from farview.transfer.confidence import grey, is_kept, spread, trusted
from farview.transfer.config import TransferConfig
from farview.transfer.difference import difference_confidence
from farview.transfer.gradient import gradient_confidence
from farview.transfer.learned import Extractor, learned_confidence
from farview.transfer.lookahead import lookahead_loss
from farview.transfer.rolling import rolling_weights, stage_of
from farview.transfer.sat import sat_loss
from farview.transfer.tat import tat_loss, video_score


class TransferLoss(nn.Module):
    """W_ce L_CE + W_sat L_SAT + W_tat L_TAT, and a term for the spread of an MLP map.

    Its only parameters are those of the MLP map's extractor, if there is one.
    """

    def __init__(self, config: TransferConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        self.extractor = Extractor(channels) if config.confidence == "mlp" else None

    def forward(
        self,
        student: ActionOutput,
        teacher: ActionOutput,
        hr: Tensor,
        elr: Tensor,
        targets: Tensor,
        progress: float = 0.0,
    ) -> dict[str, Tensor]:
        """Batch means of `terms`: scalars by name, `total` to be minimised."""
        terms = self.terms(student, teacher, hr, elr, targets, progress)
        return {name: term.mean() for name, term in terms.items()}

    def terms(
        self,
        student: ActionOutput,
        teacher: ActionOutput,
        hr: Tensor,
        elr: Tensor,
        targets: Tensor,
        progress: float = 0.0,
    ) -> dict[str, Tensor]:
        """Every term for each video, (B,), by name.

        Args:
            student: What S-Net made of the eLR videos.
            teacher: What T-Net made of the HR videos; no gradients flow into it.
            hr: HR videos, grey levels 0..255 (B, K, C, T, H, W).
            elr: Up-sampled eLR videos in the same geometry, same shape.
            targets: Probabilities (B, classes): labels, or `soft_labels` where a clip has none.
            progress: Epoch / epochs, 0..1, for the rolling weights.

        Returns:
            `ce`; `sat` and its stages `sat1`..`sat4`; `tat` and its layers `tat1`, `tat2`, times the score;
            `spread` of the confidence map, 0..1; `kept`, the share of pixels at or above the threshold; `empty`,
            the share of frames with none; `score`, the trust in TAT; `lookahead` if the
            MLP map learns that way; `total`. Without a confidence map everything is kept and trusted.
        """
        config = self.config
        with torch.autocast(hr.device.type, enabled=False):
            maps = [
                (spatial_attention(s), spatial_attention(t.detach()))
                for s, t in zip(student.stages, teacher.stages, strict=True)
            ]
            held, trust = self._trust(hr, elr, maps[-1][1], student.stages)
            joint = [c if config.learn == "joint" or c is None else c.detach() for c in held]
            sat = [sat_loss(s, t, config.norm, c) for (s, t), c in zip(maps, joint, strict=True)]
            layers = ((student.hidden, teacher.hidden), (student.scores, teacher.scores))
            tat = [trust["score"] * tat_loss(precise(s), precise(t.detach())) for s, t in layers]
            sat_inner, tat_inner = config.sat_inner, config.tat_inner
            if config.rolling:
                sat_inner = rolling_weights(len(sat), stage_of(progress, len(sat)))
                tat_inner = rolling_weights(len(tat), stage_of(progress, len(tat)))
            terms = {
                "ce": F.cross_entropy(precise(student.logits), targets, reduction="none"),
                "sat": weighted(sat_inner, sat),
                "tat": weighted(tat_inner, tat),
            }
            total = config.ce * terms["ce"] + config.sat * terms["sat"] + config.tat * terms["tat"]
            if self.extractor is not None:
                total = total + config.spread * (config.spread_floor - trust["spread"]).clamp(min=0)
                if config.learn == "lookahead" and held[-1] is not None:
                    last, (_, attention) = student.stages[-1], maps[-1]
                    terms["lookahead"] = lookahead_loss(terms["ce"], last, attention, config.norm, held[-1])
                    total = total + terms["lookahead"]
            terms |= {f"sat{i}": term for i, term in enumerate(sat, 1)}
            terms |= {f"tat{j}": term for j, term in enumerate(tat, 1)}
            return terms | trust | {"total": total}

    def _trust(
        self, hr: Tensor, elr: Tensor, attention: Tensor, stages: Sequence[Tensor]
    ) -> tuple[list[Tensor | None], dict[str, Tensor]]:
        """The confidence for each stage, and what `terms` tells of it; `attention` is T-Net's last map."""
        config = self.config
        confidence = self.confidence(hr, elr)
        if confidence is None:
            one = attention.new_ones(len(hr))
            return [None] * len(stages), {"spread": one, "kept": one, "empty": 1 - one, "score": one}
        kept = is_kept(confidence, config.threshold)
        held = trusted(confidence, config.threshold, config.binary)
        return [area_mean(held, (s.shape[3], s.shape[4], s.shape[5])) for s in stages], {
            "spread": spread(confidence, config.threshold),
            "kept": kept.mean((1, 2, 3, 4)),
            "empty": 1 - kept.amax((3, 4)).mean((1, 2)),
            "score": video_score(kept, attention),
        }

    def confidence(self, hr: Tensor, elr: Tensor) -> Tensor | None:
        """Confidence map 0..1 (B, K, T, H, W) of videos (B, K, C, T, H, W), before the threshold; None for none."""
        config = self.config
        if self.extractor is not None:
            return learned_confidence(self.extractor, hr, elr)
        if config.confidence == "difference":
            return difference_confidence(grey(hr), grey(elr), config.same)
        if config.confidence == "gradient":
            return gradient_confidence(grey(hr), grey(elr), config.same, config.blur, config.dilation)
        return None


def soft_labels(teacher_logits: Tensor) -> Tensor:
    """T-Net's class probabilities (B, classes), without gradient: targets of unlabeled clips (paper, Sec. III-D1)."""
    return precise(teacher_logits.detach()).softmax(1)


def weighted(weights: tuple[float, ...], losses: list[Tensor]) -> Tensor:
    """Sum of weight * loss."""
    return torch.stack([weight * loss for weight, loss in zip(weights, losses, strict=True)]).sum(0)


def precise(tensor: Tensor) -> Tensor:
    """In float32 at least: half precision is too coarse for norms and logarithms."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
