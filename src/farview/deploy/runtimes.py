"""What runs an exported graph without PyTorch: ONNX Runtime, OpenVINO. Graphs are read from memory."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from farview.deploy.runner import Run

Files = Mapping[str, bytes]


def onnx(files: Files, name: str, threads: int | None) -> Run:
    """`name`.onnx on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others share the machine
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(files[f"{name}.onnx"], options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda array: session.run(None, {given.name: np.ascontiguousarray(array)})


def openvino(files: Files, name: str, threads: int | None) -> Run:
    """`name`.xml with its weights `name`.bin on the CPU."""
    import openvino

    core = openvino.Core()
    # In float32, or CPUs that can would compute in bfloat16; int8 layers stay what they are.
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if threads:
        settings["INFERENCE_NUM_THREADS"] = threads
    model = core.compile_model(core.read_model(files[f"{name}.xml"], files[f"{name}.bin"]), "CPU", settings)
    return lambda array: [
        np.array(out) for out in model(np.ascontiguousarray(array), share_outputs=True).values()
    ]


START: dict[str, Callable[[Files, str, int | None], Run]] = {"onnx": onnx, "xml": openvino}
"""By the ending of the graph's file."""
