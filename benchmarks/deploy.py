"""How many cameras one core carries at one decision a second, by network and by what runs it.

    python benchmarks/deploy.py [--networks default native half paper] [--batch 1 16] [--new 1] [--rounds 40]

eLR frames are ready. A decision takes the features of the new intervals of each camera (`--new`), then the decision
from all K of them; those seen before are used again. One thread; medians of processor time, everything in turn in
every round; ratios are medians of each round's. `--batch`: cameras that are computed together. The paper's S-Net is
ResNet-34 at 256x340, one camera, all its K intervals a decision. Weights are random, as are the frames that int8 is
calibrated on: neither changes the time. What is not installed is left out.
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
from farview.models.cost import cost_of
from farview.models.sight import seen_size
from farview.training.phases import build_network
from farview.training.recipe import read_recipe

NATIVE = ["--input.elr_size", "native", "--student_network.stem", "tiny"]
NETWORKS: dict[str, tuple[str, list[str], int, int]] = {
    "default": ("msr-action3d", [], 20, 1),
    "native": ("msr-action3d", NATIVE, 20, 1),
    "half": ("msr-action3d", [*NATIVE, "--student_network.width_factor", "0.5"], 20, 1),
    "paper": ("paper/resnet34", [], 101, 3),
}
"""Recipe, its overrides, classes, channels."""
WARM = 3
Key = tuple[str, int]
"""Name of a network in a runtime; cameras that are computed together."""


def contract_of(name: str) -> Contract:
    """Of a network's S-Net."""
    recipe_name, overrides, classes, channels = NETWORKS[name]
    recipe = read_recipe(recipe_name, overrides)
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
    """Everything that can run the network, on one thread; int8 is calibrated on frames (N, T, h, w, C)."""
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


def decide(runner: Runner, frames: np.ndarray, cameras: int) -> float:
    """Seconds of processor time for each camera's decision; frames are those of all new intervals, in any order."""
    start = time.process_time()
    new = runner.features(frames)
    known = np.resize(
        new, (cameras, runner.contract.intervals.count, new.shape[1])
    )  # which ones costs no time
    runner.decide(known)
    return (time.process_time() - start) / cameras


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", choices=NETWORKS, nargs="+", default=list(NETWORKS))
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument(
        "--new", type=int, default=1, help="intervals that a decision sees for the first time"
    )
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    cases: dict[Key, tuple[Runner, np.ndarray]] = {}
    for name in options.networks:
        contract = contract_of(name)
        shape = contract.intervals.frames, *seen_size(contract), contract.channels
        paper = name == "paper"
        new = contract.intervals.count if paper else options.new
        batches = [1] if paper else options.batch
        frames = rng.integers(0, 256, (new * max(32, *batches), *shape), dtype=np.uint8)
        count = cost_of(contract).interval * new / 1e6
        print(
            f"{name}: {contract.network}, input {contract.input_size}, {count:.1f} M multiply-adds a decision"
        )
        for runtime, runner in runners(contract, frames[:32]).items():
            for batch in batches:
                cases[f"{name:8} {runtime}", batch] = runner, frames[: new * batch]
    times: dict[Key, list[float]] = {key: [] for key in cases}
    for turn in range(options.rounds + WARM):
        for key, (runner, frames) in cases.items():
            seconds = decide(runner, frames, key[1])
            if turn >= WARM:
                times[key].append(seconds)
    base = next(key for key in times if options.networks[-1] in key[0])  # PyTorch comes first
    for key, values in times.items():
        median = statistics.median(values)
        ratio = statistics.median(p / v for p, v in zip(times[base], values, strict=True))
        print(
            f"{key[0]:28} {key[1]:3} together {1000 * median:9.3f} ms a decision  {1 / median:7.1f} cameras a core  "
            f"{ratio:8.2f} times {' '.join(base[0].split())}"
        )


if __name__ == "__main__":
    main()
