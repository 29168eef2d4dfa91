r"""A training step and recognition on a GPU: precisions and memory layouts side by side.

    python benchmarks/gpu.py [--networks small-resnet18 paper-resnet34 ...] [--rounds 10] [--json FILE]
    python benchmarks/gpu.py --processes 1 16         # small-r2plus1d34 in so many processes at once: steps a second

Each line is one network with one precision: milliseconds of S-Net's step (forward, cross-entropy, backward, AdamW), of
a CSTAT step (T-Net's forward, the MLP map and all terms as well) and of recognition, for the batch and for one video;
the largest memory of the steps. Medians over the rounds, each after waiting for the GPU. Floor: three times the
forward's multiply-adds at the rate of a large matrix product in the same precision, measured first; a small network's
time is that of starting its kernels instead.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from farview.data.augment import normalise
from farview.models.contract import NetworkConfig
from farview.models.cost import cost
from farview.models.network import ActionNetwork, ActionOutput
from farview.training.processor import laid_out
from farview.transfer.config import TransferConfig
from farview.transfer.pair import Pair
from farview.transfer.total import TransferLoss

CLASSES, TOGETHER = 51, 5.0


@dataclass(frozen=True)
class Case:
    """A network and what it is given."""

    network: NetworkConfig
    channels: int
    intervals: int
    frames: int
    size: tuple[int, int]
    batch: int


CASES = {
    "small-resnet18": Case(NetworkConfig("resnet18", 16, "small", differences=True), 3, 6, 3, (48, 64), 8),
    "small-r2plus1d34": Case(NetworkConfig("r2plus1d34", 8, "small"), 3, 4, 8, (36, 48), 8),
    "paper-resnet34": Case(NetworkConfig("resnet34", 64, "imagenet"), 3, 8, 1, (256, 340), 32),
    "paper-r2plus1d18": Case(NetworkConfig("r2plus1d18", 64, "imagenet"), 3, 4, 5, (256, 340), 8),
    "paper-r2plus1d34": Case(NetworkConfig("r2plus1d34", 64, "imagenet"), 3, 4, 8, (256, 340), 8),
}
"""The networks of the recipes, with their micro-batches."""
PRECISIONS = {"32": None, "16": torch.float16, "bf16": torch.bfloat16}
"""`32`: PyTorch's default, in which convolutions round their inputs to 10 bits (TF32)."""


def median_ms(run: Callable[[], object], rounds: int) -> float:
    """Median milliseconds by the clock, the GPU's work included, after two rounds that are not counted."""
    times = []
    for number in range(rounds + 2):
        torch.cuda.synchronize()
        started = time.perf_counter()
        run()
        torch.cuda.synchronize()
        if number > 1:
            times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def matrix_rate(dtype: torch.dtype) -> float:
    """Multiply-adds a second of a large matrix product (float32: in TF32)."""
    torch.backends.cuda.matmul.allow_tf32 = True
    n = 8192
    a, b = (torch.randn(n, n, device="cuda", dtype=dtype) for _ in range(2))
    seconds = median_ms(lambda: a @ b, 5) / 1000
    torch.backends.cuda.matmul.allow_tf32 = False
    return n**3 / seconds


def measure(
    case: Case, dtype: torch.dtype | None, channels_last: bool, rounds: int, rate: float
) -> dict[str, float]:
    """The figures of one line."""
    torch.manual_seed(0)
    shape = (case.batch, case.intervals, case.channels, case.frames, *case.size)
    hr, elr = (torch.rand(shape, device="cuda") * 255 for _ in range(2))
    labels = torch.arange(case.batch, device="cuda") % CLASSES
    targets = F.one_hot(labels, CLASSES).float()
    arguments = (case.network, CLASSES, case.channels, case.intervals, case.frames)
    student, teacher = (ActionNetwork(*arguments).cuda() for _ in range(2))
    for network in (student, teacher) if channels_last else ():
        laid_out(network)
    teacher.eval().requires_grad_(False)
    transfer = TransferLoss(TransferConfig(confidence="mlp"), case.channels).cuda()
    optimiser = torch.optim.AdamW([*student.parameters(), *transfer.parameters()])
    scaler = torch.amp.GradScaler("cuda", enabled=dtype is torch.float16)

    def see(network: ActionNetwork, video: torch.Tensor) -> ActionOutput:
        return network(normalise(video, (100.0,) * case.channels, (60.0,) * case.channels))

    def step(loss: Callable[[], torch.Tensor]) -> None:
        with torch.autocast("cuda", dtype, enabled=dtype is not None):
            total = loss()
        scaler.scale(total).backward()
        scaler.step(optimiser)
        scaler.update()
        optimiser.zero_grad()

    def plain() -> torch.Tensor:
        return F.cross_entropy(see(student, elr).logits, labels)

    def cstat() -> torch.Tensor:
        with torch.no_grad():
            taught = see(teacher, hr)
        return transfer(Pair(see(student, elr), taught, hr, elr, targets))["total"]

    def recognise(videos: torch.Tensor) -> None:
        with torch.inference_mode(), torch.autocast("cuda", dtype, enabled=dtype is not None):
            see(teacher, videos)

    torch.cuda.reset_peak_memory_stats()
    figures = {
        "student": median_ms(lambda: step(plain), rounds),
        "cstat": median_ms(lambda: step(cstat), rounds),
    }
    figures["GiB"] = torch.cuda.max_memory_allocated() / 2**30
    figures["recognise"] = median_ms(lambda: recognise(elr), rounds)
    figures["one"] = median_ms(lambda: recognise(elr[:1]), rounds)
    video = cost(*arguments, case.size).video
    figures["floor"] = 1000 * 3 * case.batch * video / rate
    return figures


def train_together(barrier: Any, counts: Any) -> None:
    """Count S-Net's steps in `TOGETHER` seconds, begun with the other processes."""
    torch.set_num_threads(1)
    case = CASES["small-r2plus1d34"]
    network = ActionNetwork(case.network, 2, case.channels, case.intervals, case.frames).cuda()
    video = torch.randn(case.batch, case.intervals, case.channels, case.frames, *case.size, device="cuda")
    labels = torch.arange(case.batch, device="cuda") % 2
    optimiser = torch.optim.AdamW(network.parameters())

    def step() -> None:
        loss = F.cross_entropy(network(video).logits, labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        loss.item()  # as training, which looks at each loss

    for _ in range(5):
        step()
    barrier.wait()
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < TOGETHER:
        step()
        count += 1
    counts.put(count)


def side_by_side(processes: int) -> float:
    """Steps a second of so many processes in all."""
    context = get_context("spawn")
    barrier, counts = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=train_together, args=(barrier, counts)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    total = sum(counts.get() for _ in workers)
    for worker in workers:
        worker.join()
    return total / TOGETHER


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--processes", type=int, nargs="+")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("PyTorch sees no CUDA GPU")
    if options.processes:
        for processes in options.processes:
            print(f"{processes} processes: {side_by_side(processes):.1f} steps a second in all", flush=True)
        return
    rates = {name: matrix_rate(dtype or torch.float32) for name, dtype in PRECISIONS.items()}
    print(torch.cuda.get_device_name(), torch.__version__)
    print(
        "matrix product: "
        + ", ".join(f"{name} {rate / 1e12:.0f} T multiply-adds/s" for name, rate in rates.items())
    )
    print(
        f"{'network':18}{'bits':>6} {'layout':14}{'floor':>8}{'S-Net':>9}{'CSTAT':>9}{'batch':>9}{'one':>8}{'GiB':>7}"
    )
    lines = []
    for name in options.networks:
        for bits, dtype in PRECISIONS.items():
            for last in (False, True):
                layout = "channels last" if last else "contiguous"
                try:
                    found = measure(CASES[name], dtype, last, options.rounds, rates[bits])
                except torch.cuda.OutOfMemoryError:
                    print(f"{name:18}{bits:>6} {layout:14}  out of memory", flush=True)
                    continue
                finally:
                    torch.cuda.empty_cache()
                lines.append({"network": name, "bits": bits, "layout": layout, **found})
                f = found
                print(
                    f"{name:18}{bits:>6} {layout:14}{f['floor']:8.2f}{f['student']:9.1f}{f['cstat']:9.1f}"
                    f"{f['recognise']:9.1f}{f['one']:8.1f}{f['GiB']:7.1f}",
                    flush=True,
                )
    if options.json:
        options.json.write_text(
            json.dumps({"gpu": torch.cuda.get_device_name(), "rates": rates, "lines": lines})
        )


if __name__ == "__main__":
    main()
