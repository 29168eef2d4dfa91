"""What Lightning trains: one network on its labels, or S-Net from T-Net."""

import zlib
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import get_total_norm
from torch.optim.lr_scheduler import LambdaLR

from farview.data.augment import normalise
from farview.data.batches import Batch
from farview.errors import FarviewError
from farview.models.contract import Contract
from farview.models.network import ActionNetwork, ActionOutput
from farview.training.evaluation import refuse_not_finite, shown
from farview.training.optimiser import optimiser, rate
from farview.training.recipe import PhaseConfig
from farview.transfer.pair import Pair, soft_labels
from farview.transfer.total import TransferLoss


class Training(L.LightningModule):
    """One network learning by the terms of a loss; what they are, its kinds say."""

    def __init__(self, network: nn.Module, phase: PhaseConfig, seed: int) -> None:
        super().__init__()
        self.network, self.phase, self.seed = network, phase, seed
        self.steps_per_epoch = 1
        self._val: list[tuple[Tensor, Tensor]] = []

    def terms(self, batch: Any) -> dict[str, Tensor]:
        """Named scalars, `total` among them."""
        raise NotImplementedError

    def logits(self, batch: Any) -> Tensor:
        """What validation judges, (B, classes)."""
        raise NotImplementedError

    def training_step(self, batch: Any, number: int) -> Tensor:
        """One micro-batch; raises where a term is not finite."""
        # Dropout is a function of (seed, epoch, batch, rank), so that a resumed run goes on alike.
        torch.manual_seed(
            zlib.crc32(repr((self.seed, self.current_epoch, number, self.global_rank)).encode())
        )
        terms = self.terms(batch)
        check_finite(terms, batch.clips)
        self.log_dict(
            {f"train/{name}": value.detach() for name, value in terms.items()},
            on_step=False,
            on_epoch=True,
            batch_size=len(batch.clips),
            sync_dist=True,
        )
        return terms["total"]

    def on_after_backward(self) -> None:
        """A gradient that is not finite would poison the weights without any term showing it."""
        if self.trainer.precision == "16-mixed":
            return  # its scaler expects overflows and skips their steps
        gradients = {name: p.grad for name, p in self.named_parameters() if p.grad is not None}
        if not torch.isfinite(get_total_norm(gradients.values())):
            name = next((name for name, grad in gradients.items() if not grad.isfinite().all()), "a layer")
            raise FarviewError(
                f"training: the gradient of {name} is not finite in epoch {self.current_epoch}; "
                f"lower the rate or set clip_norm"
            )

    def on_train_start(self) -> None:
        """The engine leaves modules in the mode that they are in; `train` sets the norms'."""
        self.train()

    def train(self, mode: bool = True) -> "Training":
        """As usual; frozen norms keep to their statistics."""
        super().train(mode)
        if self.phase.freeze_norm:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def validation_step(self, batch: Any, number: int) -> None:
        """Gather logits for the epoch's figures; a batch of no clips has none. Raises where one is not finite."""
        if not batch.clips:
            return
        logits = self.logits(batch).float()
        refuse_not_finite(logits, batch.clips)
        self._val.append((logits, batch.labels))

    def on_validation_epoch_end(self) -> None:
        """`val/prec@1` in percent and `val/ce` over all validation clips."""
        hits = torch.zeros(3, dtype=torch.float64, device=self.device)
        for logits, labels in self._val:
            hits[0] += (logits.argmax(1) == labels).sum()
            hits[1] += F.cross_entropy(logits, labels, reduction="sum").double()
            hits[2] += len(labels)
        self._val.clear()
        hits = self.trainer.strategy.reduce(hits, reduce_op="sum")
        self.log("val/prec@1", (100 * hits[0] / hits[2]).float(), sync_dist=False)
        self.log("val/ce", (hits[1] / hits[2]).float(), sync_dist=False)

    def trained(self) -> list[nn.Module]:
        """The modules whose parameters are learned."""
        return [self.network]

    def configure_optimizers(self) -> Any:
        """The optimiser with its rate set after every step."""
        chosen = optimiser(self.trained(), self.phase)
        schedule = LambdaLR(chosen, lambda step: rate(self.phase, step / self.steps_per_epoch))
        return {"optimizer": chosen, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class NetworkTraining(Training):
    """T-Net or S-Net alone, by cross-entropy on the labels (paper, Sec. IV-B)."""

    def __init__(self, network: ActionNetwork, contract: Contract, phase: PhaseConfig, seed: int) -> None:
        super().__init__(network, phase, seed)
        self.contract = contract

    def see(self, network: Any, video: Tensor) -> ActionOutput:
        """Run a network on grey levels (B, K, C, T, H, W)."""
        return network(normalise(video, self.contract.mean, self.contract.std))

    def video(self, batch: Batch) -> Tensor:
        """What this network is trained on, grey levels (B, K, C, T, H, W)."""
        look = batch.hr_video if self.contract.resolution == "hr" else batch.elr_video
        video = look(self.contract.input_size)
        assert video is not None
        return video

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalars, `total` among them."""
        ce = F.cross_entropy(self.logits(batch), batch.labels, label_smoothing=self.phase.label_smoothing)
        return {"ce": ce, "total": ce}

    def logits(self, batch: Batch) -> Tensor:
        """Of whole videos, (B, classes)."""
        return self.see(self.network, self.video(batch)).logits


class TransferTraining(NetworkTraining):
    """S-Net from a frozen T-Net by CSTAT (paper, Sec. III)."""

    def __init__(
        self,
        network: ActionNetwork,
        contract: Contract,
        phase: PhaseConfig,
        seed: int,
        teacher: ActionNetwork,
        loss: TransferLoss,
        teacher_size: tuple[int, int],
    ) -> None:
        """`teacher_size` is the height and width of T-Net's input; S-Net's is in `contract`."""
        super().__init__(network, contract, phase, seed)
        self.loss, self.teacher_size = loss, teacher_size
        # In a list the teacher is no sub-module: never trained, saved, or wrapped for distribution.
        self._teacher = [teacher.eval().requires_grad_(False)]

    def on_fit_start(self) -> None:
        """The teacher goes where the student is."""
        self._teacher[0].to(self.device)

    def trained(self) -> list[nn.Module]:
        """S-Net and, with the MLP confidence map, its extractor."""
        return [self.network, self.loss]

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Every term of the loss by name; T-Net's soft labels stand in for labels that are missing.

        T-Net runs only where a term or an unlabeled clip asks for it.
        """
        hr, elr = batch.hr_video(self.teacher_size), self.video(batch)
        student = self.see(self.network, elr)
        targets = smooth_targets(batch.labels, student.logits.shape[1], self.phase.label_smoothing)
        unlabeled = batch.labels < 0
        teacher = None
        if self.loss.config.uses_teacher or unlabeled.any():
            assert hr is not None
            with torch.no_grad():
                teacher = self.see(self._teacher[0], hr)
            targets[unlabeled] = soft_labels(teacher.logits[unlabeled]).to(targets.dtype)
        if self.loss.config.uses_map and self.teacher_size != self.contract.input_size:
            enlarged = batch.elr_video(self.teacher_size)  # the confidence map compares it with HR
            assert enlarged is not None
            elr = enlarged
        progress = self.current_epoch / self.phase.epochs
        return self.loss(Pair(student, teacher, hr, elr, targets, progress))


def smooth_targets(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Probabilities (B, classes) of labels (B,); rows of unlabeled clips (-1) hold class 0 until replaced."""
    hot = F.one_hot(labels.clamp(min=0), classes).float()
    return hot * (1 - smoothing) + smoothing / classes


def check_finite(terms: dict[str, Tensor], clips: list[str]) -> None:
    """Stop at the first term that is NaN or infinite, naming it and the clips of the batch."""
    if torch.isfinite(torch.stack([value.detach().float().sum() for value in terms.values()])).all():
        return  # one look at all terms: one wait for the device
    for name, value in terms.items():
        if not torch.isfinite(value).all():
            raise FarviewError(
                f"training: the term '{name}' is {float(value.detach().float().mean())} on clips {shown(clips)}; "
                f"look at these clips, lower the rate or set clip_norm"
            )
