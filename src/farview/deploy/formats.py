"""The two graphs of a model as files, the contract in their metadata: ONNX, OpenVINO, a `torch.export` program."""

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from farview.deploy.graphs import DecisionGraph, IntervalGraph, runs
from farview.deploy.quantise import quantise_onnx, quantise_openvino
from farview.deploy.runner import Runner
from farview.frames.source import Images
from farview.models.bundle import Bundle
from farview.models.contract import CONTRACT, KEY, Contract
from farview.models.sight import seen_size

Format = Literal["onnx", "openvino", "program"]

NAMES = {"interval": ("frames", ("features",)), "decision": ("features", ("scores", "attention"))}
"""Of each graph's input and outputs."""


def exported(
    interval: IntervalGraph,
    decision: DecisionGraph,
    contract: Contract,
    kind: Format,
    calibration: Sequence[Images],
) -> Bundle:
    """Name to content of what is handed over: both graphs and the contract.

    With `calibration`, frames (K, T, h, w, C) of some clips, the interval's graph computes in int8. The decision stays
    in float32: it is less than a hundredth of the work.
    """
    metadata = contract.to_json()
    files: Bundle = {CONTRACT: metadata.encode()}
    for name, program in programs(interval, decision, contract).items():
        given = calibration if name == "interval" else ()
        if kind == "program":
            files[f"{name}.pt2"] = to_program(program, metadata)
        elif kind == "onnx":
            files[f"{name}.onnx"] = to_onnx(program, name, metadata, given)
        else:
            files |= to_openvino(program, name, metadata, given)
    return files


def programs(
    interval: IntervalGraph, decision: DecisionGraph, contract: Contract
) -> dict[str, ExportedProgram]:
    """Both graphs as PyTorch traces them, for any number of intervals or videos at once."""
    shape = contract.intervals.frames, *seen_size(contract), contract.channels
    frames = torch.zeros((2, *shape), dtype=torch.uint8)  # (B, T, h, w, C)
    features = torch.zeros(2, *decision.shape)  # (B, K, D)
    given: dict[str, tuple[nn.Module, torch.Tensor]] = {
        "interval": (interval, frames),
        "decision": (decision, features),
    }
    with quietly():
        return {
            name: torch.export.export(graph, (example,), dynamic_shapes=({0: Dim("batch")},))
            for name, (graph, example) in given.items()
        }


def to_program(program: ExportedProgram, metadata: str) -> bytes:
    """A `.pt2`, with the metadata as its extra file."""
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths on this machine
    file = io.BytesIO()
    with quietly():
        torch.export.save(program, file, extra_files={KEY: metadata})
    return file.getvalue()


def read_program(contract: Contract, files: Bundle) -> Runner:
    """What `exported` has just made, read by PyTorch, whose loader trusts the file: for our own bytes alone."""
    with quietly():
        halves = (torch.export.load(io.BytesIO(files[f"{name}.pt2"])).module() for name in NAMES)
        return Runner(contract, *map(runs, halves))


def to_onnx(program: ExportedProgram, name: str, metadata: str, calibration: Sequence[Images] = ()) -> bytes:
    """An ONNX model, with the metadata among its own."""
    from onnx import ModelProto, helper

    given, outputs = NAMES[name]
    with quietly():
        made = torch.onnx.export(
            program, (), input_names=[given], output_names=outputs, dynamo=True, verbose=False
        )
    assert made is not None
    model: ModelProto = made.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]  # paths on this machine
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    if calibration:
        model = quantise_onnx(model, given, calibration)
    helper.set_model_props(model, {KEY: metadata})
    return model.SerializeToString(deterministic=True)


def to_openvino(
    program: ExportedProgram, name: str, metadata: str, calibration: Sequence[Images] = ()
) -> dict[str, bytes]:
    """An OpenVINO model as `name`.xml and its weights as `name`.bin, by way of ONNX, whose shapes are known."""
    import openvino

    model = openvino.Core().read_model(to_onnx(program, name, ""))
    if calibration:
        model = quantise_openvino(model, calibration)
    model.set_rt_info(metadata, [KEY])
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        return {each.name: each.read_bytes() for each in (path, path.with_suffix(".bin"))}


@contextmanager
def quietly() -> Iterator[None]:
    """Without the exporter's notes to its own developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
