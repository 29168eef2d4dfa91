"""How many cameras one core carries at one decision a second, by what runs the network.

    python benchmarks/deploy.py [--recipe msr-action3d] [--batch 1 16] [--rounds 40]

A decision with a hop of one interval: features of one new interval of each camera, then the decision from K of them,
which are there. eLR frames are ready. One thread; median processor time of a round, all runtimes in turn in every
round; ratios are medians of each round's. `--batch`: cameras whose intervals are computed together. Weights are random,
as are the frames that int8 is calibrated on: neither changes the time. OpenVINO is left out where it is not installed.
"""

import argparse
import statistics
import time
from importlib.util import find_spec

import numpy as np
import torch

from farview.deploy.formats import exported
from farview.deploy.graphs import DecisionGraph, IntervalGraph, runs
from farview.deploy.runner import Runner, started
from farview.models.contract import Contract
from farview.models.sight import seen_size
from farview.training.phases import build_network
from farview.training.recipe import read_recipe


def contract_of(recipe_name: str, classes: int, channels: int) -> Contract:
    """Of the recipe's S-Net."""
    recipe = read_recipe(recipe_name, [])
    return Contract(
        classes=tuple(map(str, range(classes))),
        network=recipe.network_of("student"),
        channels=channels,
        input_size=recipe.input_size("student"),
        resolution="elr",
        sensor=recipe.input.sensor,
        intervals=recipe.input.intervals,
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
    )


def runners(contract: Contract, frames: np.ndarray) -> dict[str, Runner]:
    """Everything that can run the network, on one thread."""
    network = build_network(contract).eval()
    interval, decision = IntervalGraph(network, contract), DecisionGraph(network)
    made = {"PyTorch": Runner(contract, runs(interval), runs(decision))}
    kinds = {"onnx": "ONNX Runtime"} | ({"openvino": "OpenVINO"} if find_spec("nncf") else {})
    for kind, name in kinds.items():
        for precision, calibration in (("", []), (" int8", [frames])):
            files = exported(interval, decision, contract, kind, calibration)  # type: ignore[arg-type]
            ready = started(contract, files, threads=1)
            assert ready is not None
            made[name + precision] = ready
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="msr-action3d")
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--channels", type=int, choices=(1, 3), default=1)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    contract = contract_of(options.recipe, options.classes, options.channels)
    rng = np.random.default_rng(0)
    shape = contract.intervals.frames, *seen_size(contract), contract.channels
    frames = rng.integers(0, 256, (max(32, *options.batch), *shape), dtype=np.uint8)
    ready = runners(contract, frames)
    print(f"{contract.network}, {contract.intervals}, {options.rounds} rounds")
    for batch in options.batch:
        times: dict[str, list[float]] = {name: [] for name in ready}
        for turn in range(options.rounds + 5):
            for name, runner in ready.items():
                start = time.process_time()
                new = runner.features(frames[:batch])
                runner.decide(np.repeat(new[:, None], contract.intervals.count, 1))
                if turn >= 5:  # the first ones warm up
                    times[name].append((time.process_time() - start) / batch)
        for name, values in times.items():
            median = statistics.median(values)
            ratio = statistics.median(p / v for p, v in zip(times["PyTorch"], values, strict=True))
            print(
                f"batch {batch:3}  {name:18} {1000 * median:8.3f} ms a decision  {1 / median:7.0f} cameras a core"
                f"  {ratio:6.2f} times PyTorch"
            )


if __name__ == "__main__":
    main()
