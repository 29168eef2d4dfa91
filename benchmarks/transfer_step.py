r"""Where the time and memory of a transfer step go.

    python benchmarks/transfer_step.py [--rounds 7] [--size 64 85] [--width 16]                    # small recipes
    python benchmarks/transfer_step.py --backbone resnet34 --width 64 --stem imagenet --size 256 340 --frames 1 \
        --channels 3 --batch 1 --rounds 3                                                          # the paper's network

One step is T-Net's forward without gradients, S-Net's forward and backward, and the loss with its confidence map;
each kind of map in turn, on one thread; medians of processor time. Floor: the maps cost less than 10 % of the step.
"""

import argparse
import resource
import statistics
import time
from typing import get_args

import torch

from farview.data.augment import normalise
from farview.models.contract import Backbone, NetworkConfig, Stem
from farview.models.network import ActionNetwork
from farview.transfer.config import TransferConfig
from farview.transfer.pair import Pair
from farview.transfer.total import TransferLoss

KINDS = ("none", "difference", "gradient", "mlp")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, nargs=2, default=(64, 85))
    parser.add_argument("--backbone", choices=get_args(Backbone), default="resnet18")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--stem", choices=get_args(Stem), default="small")
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    shape = (options.batch, 8, options.channels, options.frames, *options.size)
    hr, elr = torch.rand(shape) * 255, torch.rand(shape) * 255
    targets = torch.eye(20)[torch.arange(options.batch) % 20]
    config = NetworkConfig(options.backbone, options.width, options.stem)
    networks = [
        ActionNetwork(config, 20, options.channels, 8, options.frames).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for _ in range(2)
    ]
    teacher, student = networks[0].eval().requires_grad_(False), networks[1]
    losses = {kind: TransferLoss(TransferConfig(confidence=kind), options.channels) for kind in KINDS}
    times: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "teacher forward")}
    for _ in range(options.rounds):
        for kind, loss in losses.items():
            start = time.process_time()
            with torch.no_grad():
                taught = teacher(normalise(hr, (0.0,), (0.25,)))
            if kind == "none":
                times["teacher forward"].append(time.process_time() - start)
            seen = student(normalise(elr, (0.0,), (0.25,)))
            terms = loss(Pair(seen, taught, hr, elr, targets))
            terms["total"].backward()
            times[kind].append(time.process_time() - start)
    plain = statistics.median(times["none"])
    print(f"step without a map  {1000 * plain:8.0f} ms")
    share = statistics.median(times["teacher forward"]) / plain
    print(f"of it T-Net forward {100 * share:8.1f} %")
    for kind in KINDS[1:]:
        extra = statistics.median(a - b for a, b in zip(times[kind], times["none"], strict=True))
        print(f"map {kind:15} {100 * extra / (plain + extra):8.1f} % of the step (floor 10)")
    print(
        f"peak memory         {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MiB of the process"
    )


if __name__ == "__main__":
    main()
