"""Fig. 3: the spatial attention after every residual stage."""

from collections.abc import Sequence

from farview.experiments.attention_pictures import channel_average
from farview.experiments.figures.shared import (
    ATTENTION,
    Made,
    frame_numbers,
    identity,
    inputs,
    overlay,
    title,
    verdict,
)
from farview.experiments.figures.sheet import Line, sheet
from farview.experiments.figures.subject import Example, Subject
from farview.experiments.pictures import relative
from farview.training.recipe import Phase


def draw(subject: Subject, examples: Sequence[Example]) -> Made:
    """The first example's frames, and below them the attention of T-Net's and the best student's four stages."""
    example = examples[0]
    shown: tuple[Phase, ...] = ("teacher", subject.student)
    phases = tuple(phase for phase in shown if phase in subject.networks)
    frames, lines = inputs(subject, example, phases)
    groups, sizes = [lines], {}
    for phase in phases:
        maps = [channel_average(stage) for stage in subject.recognise(phase, example).output.stages]
        sizes[phase] = [list(each.shape[1:]) for each in maps]
        texts = ["stage {}\n{}×{}".format(i, *each.shape[1:]) for i, each in enumerate(maps, 1)]
        pictures = [overlay(frames, relative(each)) for each in maps]
        groups.append([Line(title(phase), *row, ATTENTION) for row in zip(texts, pictures, strict=True)])
    numbers = frame_numbers(subject, phases[0], example)
    drawn, _ = sheet(groups, [f"frame {number}" for number in numbers])
    names = " and ".join(title(phase) for phase in phases)
    caption = (
        f"Spatial attention of {names} after each residual stage, for one clip ({example.title}). Columns: the "
        "middle frames of the intervals. Attention: mean over channels of the absolute values (Eq. 1), resized "
        "bilinearly, in colours that the frame's shapes make a little lighter or darker; each row is scaled by its own "
        "largest value, so attention that is even everywhere has one colour."
    )
    if phases[-1] != "teacher" and not subject.is_elr(subject.recognise(phases[0], example)):
        caption += f" {title(phases[-1])} sees only the eLR pixels; the HR frames are there for the reader."
    return Made(
        drawn,
        caption,
        identity(example, subject)
        | {
            "frames": numbers,
            "stages": sizes,
            "predictions": {phase: verdict(subject, phase, example) for phase in phases},
        },
    )
