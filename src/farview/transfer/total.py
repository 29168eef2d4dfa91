"""The total loss of the transfer (paper, Eq. 4, and later terms), term by term."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farview.transfer.area import Grid, area_mean, common_grid
from farview.transfer.attention import spatial_attention
from farview.transfer.confidence import grey, is_kept, spread, trusted
from farview.transfer.config import WEIGHTS, TransferConfig
from farview.transfer.difference import difference_confidence
from farview.transfer.dist import dist_loss
from farview.transfer.dkd import dkd_loss
from farview.transfer.feature import feature_loss
from farview.transfer.gradient import gradient_confidence
from farview.transfer.kd import kd_loss
from farview.transfer.learned import Extractor, learned_confidence
from farview.transfer.lookahead import lookahead_loss
from farview.transfer.pair import Pair, precise
from farview.transfer.rolling import rolling_weights, stage_of
from farview.transfer.sat import sat_loss
from farview.transfer.tat import tat_loss, video_score


class TransferLoss(nn.Module):
    """W_ce L_CE + W_sat L_SAT + W_tat L_TAT + later terms, and a term for the spread of an MLP map.

    Its only parameters are those of the MLP map's extractor, if there is one in use.
    """

    def __init__(self, config: TransferConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        self.extractor = Extractor(channels) if config.confidence == "mlp" and config.uses_map else None

    def forward(self, pair: Pair) -> dict[str, Tensor]:
        """Batch means of `terms`: scalars by name, `total` to be minimised."""
        return {name: term.mean() for name, term in self.terms(pair).items()}

    def terms(self, pair: Pair) -> dict[str, Tensor]:
        """Every term for each video, (B,), by name.

        Returns:
            `ce`; of the other terms those whose weight is above 0: `sat` and its stages `sat1`..`sat4`; `feature` and
            its stages; `tat` and its layers `tat1`, `tat2`, times the score; `kd`; `dkd`; `dist`. With `sat`, `tat`
            or `feature`: `spread` of the confidence map, 0..1; `kept`, the share of pixels at or above the
            threshold; `empty`, the share of frames with none; `score`, the trust in TAT; `lookahead` if
            the MLP map learns that way. Without a confidence map everything is kept and trusted. `total`.
        """
        config = self.config
        with torch.autocast(pair.elr.device.type, enabled=False):
            terms = {"ce": F.cross_entropy(precise(pair.student.logits), pair.targets, reduction="none")}
            held: list[Tensor | None] = []
            if config.uses_teacher:
                terms |= self._of_logits(pair)
            if config.uses_map:
                held, trust = self._trust(pair)
                terms |= self._of_stages(pair, held) | self._of_time(pair, trust["score"]) | trust
            total = config.ce * terms["ce"]
            for name in WEIGHTS[1:]:
                if name in terms:
                    total = total + getattr(config, name) * terms[name]
            if self.extractor is not None:
                total = total + config.spread * (config.spread_floor - terms["spread"]).clamp(min=0)
                if config.learn == "lookahead" and held[-1] is not None:
                    last, taught = pair.student.stages[-1], pair.taught.stages[-1]
                    attention = spatial_attention(taught, common_grid(last, taught))
                    terms["lookahead"] = lookahead_loss(terms["ce"], last, attention, config.norm, held[-1])
                    total = total + terms["lookahead"]
            return terms | {"total": total}

    def _of_logits(self, pair: Pair) -> dict[str, Tensor]:
        """The terms that compare the class probabilities."""
        config, terms = self.config, dict[str, Tensor]()
        student, teacher = precise(pair.student.logits), precise(pair.taught.logits)
        if config.kd:
            terms["kd"] = kd_loss(student, teacher, config.temperature)
        if config.dkd:
            target = pair.targets.argmax(1)  # of soft labels: T-Net's first choice
            alpha, beta = config.dkd_alpha, config.dkd_beta
            terms["dkd"] = dkd_loss(student, teacher, target, alpha, beta, config.temperature)
        if config.dist:
            terms["dist"] = dist_loss(student, teacher, config.temperature)
        return terms

    def _of_stages(self, pair: Pair, held: list[Tensor | None]) -> dict[str, Tensor]:
        """The terms that compare the stages' outputs where the confidence `held` for each stage lets them."""
        config, terms = self.config, dict[str, Tensor]()
        stages = list(zip(pair.student.stages, pair.taught.stages, strict=True))
        if config.learn != "joint":
            held = [c if c is None else c.detach() for c in held]
        each: dict[str, list[Tensor]] = {}
        if config.sat:
            each["sat"] = [
                sat_loss(spatial_attention(s, g), spatial_attention(t, g), config.norm, c, config.centred)
                for (s, t), g, c in zip(stages, grids(pair), held, strict=True)
            ]
        if config.feature:
            each["feature"] = [
                feature_loss(s, t, config.norm, c) for (s, t), c in zip(stages, held, strict=True)
            ]
        for name, losses in each.items():
            terms |= inner(name, losses, config.sat_inner, pair.progress if config.rolling else None)
        return terms

    def _of_time(self, pair: Pair, score: Tensor) -> dict[str, Tensor]:
        """The term that compares the temporal attention modules, times the videos' `score` (B,)."""
        config, (student, teacher) = self.config, (pair.student, pair.taught)
        if not config.tat:
            return {}
        layers = ((student.hidden, teacher.hidden), (student.scores, teacher.scores))
        losses = [score * tat_loss(precise(s), precise(t)) for s, t in layers]
        return inner("tat", losses, config.tat_inner, pair.progress if config.rolling else None)

    def _trust(self, pair: Pair) -> tuple[list[Tensor | None], dict[str, Tensor]]:
        """The confidence for each stage, (B, K*T, H, W) or None for full, and what `terms` tells of it."""
        config = self.config
        assert pair.hr is not None
        confidence = self.confidence(pair.hr, pair.elr)
        attention = spatial_attention(pair.taught.stages[-1])  # T-Net's own grid
        if confidence is None:
            one = attention.new_ones(len(attention))
            return [None] * len(pair.student.stages), {
                "spread": one,
                "kept": one,
                "empty": 1 - one,
                "score": one,
            }
        kept = is_kept(confidence, config.threshold)
        held = trusted(confidence, config.threshold, config.binary)
        return [area_mean(held, grid) for grid in grids(pair)], {
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


def inner(
    name: str, losses: list[Tensor], weights: tuple[float, ...], progress: float | None
) -> dict[str, Tensor]:
    """Sum of weight * loss under `name`, each loss with its number behind; the weights roll if `progress` is given."""
    if progress is not None:
        weights = rolling_weights(len(losses), stage_of(progress, len(losses)))
    total = torch.stack([weight * loss for weight, loss in zip(weights, losses, strict=True)]).sum(0)
    return {name: total} | {f"{name}{i}": loss for i, loss in enumerate(losses, 1)}


def grids(pair: Pair) -> list[Grid]:
    """Where each of the four stages is compared: (T, H, W), S-Net's where both networks' are alike."""
    return [common_grid(s, t) for s, t in zip(pair.student.stages, pair.taught.stages, strict=True)]
