"""Fig. 9: where and when T-Net, S-Net before the transfer and S-Net after it look."""

from collections.abc import Sequence

from farview.experiments.attention_pictures import last_maps
from farview.experiments.charts import COLOURS
from farview.experiments.figures.shared import (
    ATTENTION,
    Made,
    answer,
    frame_numbers,
    identity,
    inputs,
    overlay,
    title,
    verdict,
)
from farview.experiments.figures.sheet import Line, sheet
from farview.experiments.figures.subject import Example, Subject
from farview.training.phases import NAMES
from farview.training.recipe import PHASES


def draw(subject: Subject, examples: Sequence[Example]) -> Made:
    """The first example's frames; for each network the last stage's attention and the temporal weights."""
    example = examples[0]
    frames, lines = inputs(subject, example, PHASES)
    groups, weights = [lines], {}
    for phase in PHASES:
        made = subject.recognise(phase, example)
        attention = made.output.attention[0].float().cpu().numpy()
        weights[phase] = [round(float(weight), 6) for weight in attention]
        text = answer(subject, phase, example)
        picture = overlay(frames, last_maps(made))
        colour = COLOURS[NAMES[phase]]
        groups.append([Line(title(phase), text, picture, ATTENTION, weights=attention, colour=colour)])
    numbers = frame_numbers(subject, "teacher", example)
    drawn, _ = sheet(groups, [f"frame {number}" for number in numbers])
    caption = (
        f"Where and when the networks look in one clip ({example.title}): T-Net, S-Net before the transfer, and after "
        "it (CSTAT). Pictures: spatial attention after the last residual stage, in colours that the frame's shapes "
        "make a little lighter or darker, each row scaled by its own largest value; S-Net and CSTAT see only the eLR "
        "pixels. Bars: temporal attention; the dashed line is the even weight. On the left: the most likely class."
    )
    return Made(
        drawn,
        caption,
        identity(example, subject)
        | {
            "frames": numbers,
            "temporal_attention": weights,
            "predictions": {phase: verdict(subject, phase, example) for phase in PHASES},
        },
    )
