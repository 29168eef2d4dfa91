"""Static quantisation to int8: weights and activations, their ranges from frames of training clips."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from farview.frames.source import Images

if TYPE_CHECKING:
    from onnx import ModelProto
    from openvino import Model


def quantise_onnx(model: "ModelProto", given: str, calibration: Sequence[Images]) -> "ModelProto":
    """int8 by ONNX Runtime; `given` is the input's name, `calibration` frames (K, T, h, w, C) of some clips.

    Convolutions alone, where the work is, but for the first, which sees rare large changes between frames beside many
    small ones.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):
        """A clip at a time."""

        def __init__(self) -> None:
            self.clips: Iterator[NDArray] = iter(calibration)

        def get_next(self) -> dict[str, NDArray] | None:
            clip = next(self.clips, None)
            return None if clip is None else {given: clip}

    first = next(node.name for node in model.graph.node if node.op_type == "Conv")
    logging.getLogger().addFilter(_no_advice)
    try:
        with TemporaryDirectory() as folder:
            out = Path(folder) / "model.onnx"
            quantize_static(
                model,
                out,
                Reader(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                nodes_to_exclude=[first],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
            return onnx.load(out)
    finally:
        logging.getLogger().removeFilter(_no_advice)


def _no_advice(record: logging.LogRecord) -> bool:
    """Whether a log record is no call to pre-process the model, which the exporter has done."""
    return "pre-processing before quantization" not in record.getMessage()


def quantise_openvino(model: "Model", calibration: Sequence[Images]) -> "Model":
    """int8 by NNCF; `calibration` are frames (K, T, h, w, C) of some clips."""
    import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)
    return nncf.quantize(model, nncf.Dataset(calibration), subset_size=len(calibration))
