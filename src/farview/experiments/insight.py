"""The report's sections that look into the networks: Fig. 3, 9 (attention), Fig. 6, 7 (evidence, confidence)."""

from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import torch

from farview.experiments.attention_pictures import attention_row, recorded, said, seen_pixels, stage_rows
from farview.experiments.charts import LABELS
from farview.experiments.evidence_pictures import evidence_rows
from farview.experiments.examples import EXAMPLES, chosen_clips, class_of, rule
from farview.experiments.page import captioned, left_out, paragraph, section, strips
from farview.experiments.pictures import Row
from farview.models.recogniser import Recogniser, Recognition
from farview.training.checkpoint import LAST
from farview.training.phases import NAMES, Run
from farview.training.recipe import Phase
from farview.transfer.config import TransferConfig
from farview.transfer.learned import Extractor

ATTENTION = (
    "Columns: the intervals, by their middle frame. Colours: a network's spatial attention after its last stage (mean "
    "over channels of the absolute values, resized bilinearly), blue least to red most, over the recorded frame, which "
    "is there for the reader: S-Net and CSTAT never saw it. Attention that is even everywhere has one colour. Bars: "
    "temporal attention in percent; the dashed line is the even weight."
)
STAGES = (
    "The first of these clips. Spatial attention after each residual stage over the recorded frame, each row scaled by "
    "its own largest value."
)


def attention(run: Run) -> list[str]:
    """Where and when each network looks: Fig. 9 for some clips, Fig. 3 for one."""
    title, stages_title = "Where and when they look", "Attention, stage by stage"
    if not run.clips.test:
        return [section(name, left_out("this run has no test clips.")) for name in (title, stages_title)]
    networks = {phase: Recogniser(path) for phase, path in run.models.items()}
    sensor = run.recipe.input.sensor
    aspect = sensor.height, sensor.width
    figures: list[str] = []
    stages: list[str] = []
    for clip in chosen_clips(run, EXAMPLES):
        name = class_of(run, clip)
        made = {phase: network.recognise(clip.source) for phase, network in networks.items()}
        any_made = next(iter(made.values()))
        frames = recorded(any_made, aspect)
        rows = [Row("recorded", frames)]
        students = [recognition for phase, recognition in made.items() if phase != "teacher"]
        if students:
            rows.append(Row(f"{sensor.height}×{sensor.width}", seen_pixels(students[0])))
        for phase, recognition in made.items():
            note = said(recognition, run.clips.data.classes, clip.label)
            rows.append(attention_row(NAMES[phase], LABELS[NAMES[phase]], recognition, frames, note))
        figures.append(f"<h3>{escape(name)}</h3>{strips(rows, name)}")
        if not stages:
            stages = stage_figures(made, frames, name)
    return [
        section(title, paragraph(rule(run, EXAMPLES)), captioned("\n".join(figures), ATTENTION)),
        section(
            stages_title,
            captioned(
                "\n".join(stages),
                STAGES,
            ),
        ),
    ]


def stage_figures(made: dict[Phase, Recognition], frames: np.ndarray, name: str) -> list[str]:
    """Every stage's attention of T-Net and of the best student there is."""
    shown = [phase for phase in ("teacher", "transfer" if "transfer" in made else "student") if phase in made]
    return [
        f"<h3>{LABELS[NAMES[phase]]}: {escape(name)}</h3>{strips(stage_rows(made[phase], frames), name)}"
        for phase in shown
    ]


def evidence(run: Run) -> str:
    """What down-sampling lost and the confidence maps: Fig. 6 and 7."""
    title = "What down-sampling lost, and where T-Net is trusted"
    if not run.clips.test:
        return section(title, left_out("this run has no test clips."))
    if "teacher" not in run.models or len(run.models) < 2:
        return section(
            title, left_out("it takes a T-Net and an S-Net, and this run trained only one of them.")
        )
    student = run.models["transfer" if "transfer" in run.models else "student"]
    teacher, network = Recogniser(run.models["teacher"]), Recogniser(student)
    config, extractor = run.recipe.loss, extractor_of(run)
    if "transfer" not in run.models:
        config = replace(config, confidence="none")
    figures = []
    examples = chosen_clips(run, EXAMPLES)
    for clip in examples[:: max(1, len(examples) - 1)]:
        seen = network.recognise(clip.source).seen
        elr = network.video(seen, teacher.contract.input_size)
        rows = evidence_rows(teacher.recognise(clip.source).video, elr, config, extractor)
        name = class_of(run, clip)
        figures.append(f"<h3>{escape(name)}</h3>{strips(rows, name)}")
    caption = (
        "Red: where the enlarged eLR frame differs from the HR frame. Confidence maps: white is full confidence, grey "
        f"less, black below the threshold of {config.threshold:g}: there T-Net's attention is not transferred. The "
        "difference map favours flat background: every edge that got blurred counts as lost evidence."
    )
    if extractor is not None:
        caption += " The MLP map's extractor is as it was at the end of the transfer."
    return section(title, captioned("\n".join(figures), caption))


def extractor_of(run: Run) -> Extractor | None:
    """The MLP map's extractor from the transfer's last checkpoint; None where there is none."""
    if "transfer" not in run.folders:
        return None
    return read_extractor(run.folders["transfer"], run.recipe.loss, run.clips.channels)


def read_extractor(folder: Path, loss: TransferConfig, channels: int) -> Extractor | None:
    """The same from the folder of a transfer with the settings `loss` on frames of `channels`."""
    path = folder / LAST
    if loss.confidence != "mlp" or not loss.uses_map or not path.is_file():
        return None
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    prefix = "loss.extractor."
    extractor = Extractor(channels)
    extractor.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    return extractor.eval()
