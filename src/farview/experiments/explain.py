"""Where and when a model looks in one recording, and what it makes of it: the verb `farview explain`."""

from pathlib import Path
from typing import Any

from farview.errors import FarviewError
from farview.experiments.attention_pictures import attention_row, last_maps, recorded, said, seen_pixels
from farview.experiments.evidence_pictures import evidence_rows
from farview.experiments.panel import panel
from farview.experiments.pictures import Row, need_viz, spotlight
from farview.frames.files import atomic_write
from farview.models.recogniser import Recogniser, Recognition
from farview.transfer.config import TransferConfig


def explain(
    model: str | Path, video: str | Path, out: str | Path | None = None, teacher: str | Path | None = None
) -> Path:
    """Write a picture (PNG), or with `out` ending in .mp4 a film, and return its path.

    The picture: each interval's middle frame as recorded and as the model's camera gives it, spatial attention
    over it, the bar of temporal attention, label and score; with `teacher`, a T-Net's model file, also T-Net's
    attention, what down-sampling lost and the confidence maps. The film: the recording beside its eLR frames
    and the spatial attention of every frame.

    Raises FarviewError where a model or the recording cannot be used, or the extra `viz` is missing.
    """
    need_viz()
    out = Path(out) if out else Path(f"{Path(video).name}.explained.png")
    if out.suffix.lower() not in (".png", ".mp4"):
        raise FarviewError(f"{out}: expected a name that ends in .png or .mp4")
    student = Recogniser(model)
    if out.suffix.lower() == ".mp4":
        from farview.experiments.film import film

        if teacher is not None:
            raise FarviewError(f"{out}: T-Net's maps (--teacher) are drawn into a .png only")
        film(student, video, out)
        return out
    made = student.recognise(video)
    rows = model_rows(student, made)
    best = said(made, student.contract.classes)
    facts = f"{Path(video).name}, {made.length} frames  ·  {Path(model).name}"
    if teacher is not None:
        rows += teacher_rows(student, made, Recogniser(teacher), video)
        if settings(student).confidence == "mlp":
            facts += "  ·  trained with the MLP map, whose extractor is not kept in a model file"
    with atomic_write(out) as file:
        file.write(panel(rows, best, facts, columns(made)))
    return out


def columns(made: Recognition) -> list[str]:
    """What stands above each interval: the number of its middle frame, counted from 1."""
    middle = made.indices[:, made.indices.shape[1] // 2]
    return [f"frame {number + 1}" for number in middle]


def aspect(network: Recogniser) -> tuple[int, int]:
    """Height and width of the window that a model sees, as small numbers."""
    sensor = network.contract.sensor
    return (sensor.height, sensor.width) if sensor else (3, 4)


def is_small(network: Recogniser, made: Recognition) -> bool:
    """Whether the recording is eLR already: it has the pixels of the model's sensor."""
    return network.contract.resolution == "elr" and made.frames.shape[2:4] == made.seen.shape[2:4]


def model_rows(network: Recogniser, made: Recognition) -> list[Row]:
    """The model's own rows: recorded, eLR, attention."""
    frames, rows = recorded(made, aspect(network)), []
    if not is_small(network, made):
        rows.append(Row("recorded", frames))
    if network.contract.flow is not None:
        rows.append(flow_row(made, "hue where to, brightness how fast"))
    elif network.contract.resolution == "elr":
        height, width = made.seen.shape[2:4]
        rows.append(Row(f"{height}×{width}: all that the model sees", seen_pixels(made)))
    name = "teacher" if network.contract.resolution == "hr" else "cstat"
    note = said(made, network.contract.classes)
    rows.append(
        attention_row(name, "attention: where (blue least, red most) and when (bars)", made, frames, note)
    )
    return [*rows, Row("where, as brightness", spotlight(frames, last_maps(made)))]


def flow_row(made: Recognition, note: str) -> Row:
    """The flow that a network sees, in colours."""
    height, width = made.seen.shape[2:4]
    return Row(f"{height}×{width} flow: {note}", seen_pixels(made))


def teacher_rows(student: Recogniser, made: Recognition, teacher: Recogniser, video: str | Path) -> list[Row]:
    """What a T-Net of flow sees, T-Net's attention, what was lost, the confidence maps."""
    ours, theirs = student.contract, teacher.contract
    if theirs.resolution != "hr" or ours.resolution != "elr":
        raise FarviewError("explain: MODEL must be an S-Net (eLR input) and --teacher a T-Net (HR input)")
    for name in ("intervals", "channels"):
        if getattr(ours, name) != getattr(theirs, name):
            raise FarviewError(
                f"explain: model and teacher differ in {name} ({getattr(ours, name)} and {getattr(theirs, name)}); "
                "take the two of one run"
            )
    if is_small(student, made):
        raise FarviewError(f"{video}: is eLR already; T-Net (--teacher) needs the HR recording")
    seen = teacher.recognise(video)
    rows = [flow_row(seen, "what T-Net sees")] if theirs.flow is not None else []
    label = "attention of T-Net, which sees the recording"
    frames = recorded(made, aspect(student))
    rows.append(attention_row("teacher", label, seen, frames, said(seen, theirs.classes)))
    enlarged = student.video(made.seen, theirs.input_size)
    return rows + evidence_rows(seen.video, enlarged, settings(student))[2:]


def settings(student: Recogniser) -> TransferConfig:
    """How the model was transferred; a model that was not has no confidence map in use."""
    values: dict[str, Any] = student.contract.trained.get("loss") or {"confidence": "none"}
    tuples: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return TransferConfig(**tuples)
