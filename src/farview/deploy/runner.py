"""A model ready to use on raw frames, whatever runs it. Imports no PyTorch unless the model is a `.safetensors`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError, extras_named
from farview.frames.source import Images
from farview.models.bundle import Bundle, is_bundle, read_bundle
from farview.models.contract import CONTRACT, Contract, read_contract
from farview.models.sight import seen_size

Run = Callable[[NDArray], list[NDArray]]
"""A graph of one input as a function of arrays."""


class Runner:
    """A model in two halves: features of each interval, which may be used again, and the decision from K of them."""

    def __init__(self, contract: Contract, interval: Run, decision: Run) -> None:
        self.contract = contract
        self._interval, self._decision = interval, decision

    def features(self, frames: Images) -> NDArray[np.float32]:
        """(B, T, h, w, C) uint8, as the model's camera gives them (`models.sight.see`) -> (B, D).

        Raises ValueError for another shape or type.
        """
        contract = self.contract
        expected = (contract.intervals.frames, *seen_size(contract), contract.channels)
        if frames.ndim != 5 or frames.shape[1:] != expected or frames.dtype != np.uint8:
            raise ValueError(
                f"frames are {frames.dtype} {frames.shape}; expected uint8 (B, T, h, w, C) = (B, {expected})"
            )
        return self._interval(frames)[0]

    def decide(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, K, D) -> the classes' scores, (B, classes): probabilities, rows sum to 1."""
        return self._decision(features)[0]

    def attend(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, K, D) -> temporal attention, (B, K): how much each interval counts; rows sum to 1."""
        return self._decision(features)[1]


def open_model(path: Path | str, threads: int | None = None) -> Runner:
    """A model file by PyTorch, or what `farview export` wrote by its own runtime.

    `threads` bounds the processor's threads (default: the runtime's choice). Raises FarviewError where `path` is
    neither, and where what runs it is not installed.
    """
    if not is_bundle(path):
        read_contract(path)  # names what is wrong with the file before PyTorch is asked for
        with extras_named(str(path)):
            from farview.deploy.graphs import runner

            return runner(path, threads)
    contract, files = read_contract(path), read_bundle(path)
    try:
        with extras_named(str(path)):
            made = started(contract, files, threads)
            if made is not None:
                try_out(made)
    except FarviewError:
        raise
    except Exception as error:  # every runtime has classes of its own
        reason = " ".join(str(error).split())[:200]
        raise FarviewError(f"{path}: its graphs cannot be run ({reason}); export the model again") from error
    if made is None:
        held = ", ".join(sorted(files.keys() - {CONTRACT}))
        raise FarviewError(
            f"{path}: holds {held or 'no graphs'}, which farview does not run; export the model to onnx or openvino (a "
            "torch.export program is for PyTorch's own loader, which may run any code that a file brings along)"
        )
    return made


def try_out(runner: Runner) -> None:
    """Run a black video through both graphs. Raises where they do not fit the contract."""
    contract = runner.contract
    count, classes = contract.intervals.count, len(contract.classes)
    shape = (count, contract.intervals.frames, *seen_size(contract), contract.channels)
    scores = runner.decide(runner.features(np.zeros(shape, np.uint8))[None])
    if scores.shape != (1, classes):
        raise ValueError(f"scores of {scores.shape[-1]} classes, where the contract names {classes}")


def started(contract: Contract, files: Bundle, threads: int | None = None) -> Runner | None:
    """An exported model from its members; None where none of the runtimes is for them."""
    from farview.deploy.runtimes import START

    for ending, start in START.items():
        if f"interval.{ending}" in files and f"decision.{ending}" in files:
            return Runner(contract, *(start(files, name, threads) for name in ("interval", "decision")))
    return None
