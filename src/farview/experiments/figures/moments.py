"""The frame of a clip in which Fig. 6 and 7 compare HR with eLR."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from farview.experiments.attention_pictures import channel_average
from farview.experiments.evidence_pictures import middle_maps, middle_pictures
from farview.experiments.figures.subject import Example, Subject
from farview.experiments.pictures import Floats, relative, smooth
from farview.frames.source import Image
from farview.transfer.confidence import grey

RULE = "Frames: the middle of the interval that T-Net's temporal attention weighs most."


@dataclass(frozen=True)
class Moment:
    """One frame of a clip, at T-Net's input size (H, W)."""

    interval: int
    frame: int
    """Its number in the recording, from 1."""
    hr: Image
    """(H, W, 3): what T-Net sees."""
    elr: Image
    """(H, W, 3): what S-Net sees, enlarged to the same size."""
    change: Floats
    """(H, W): absolute difference of the two in grey levels."""
    attention: Floats
    """(H, W): T-Net's after its last stage, 0..1."""
    videos: tuple[Tensor, Tensor]
    """HR and eLR of the whole clip, (1, K, C, T, H, W) grey levels."""

    @property
    def place(self) -> dict[str, int]:
        """Where it is in its clip, counted from 1: a figure's facts."""
        return {"frame": self.frame, "interval": self.interval + 1}


def moment_of(subject: Subject, example: Example) -> Moment:
    """The frame that T-Net weighs most. Raises FarviewError where the recording is eLR already."""
    taught = subject.recognise("teacher", example)
    student = subject.networks[subject.student]
    size = subject.networks["teacher"].contract.input_size
    elr = student.video(subject.recognise(subject.student, example).seen, size)
    interval = int(np.argmax(taught.output.attention[0].float().cpu().numpy()))
    attention = smooth(relative(channel_average(taught.output.stages[-1])), size)
    return Moment(
        interval,
        int(taught.indices[interval, taught.indices.shape[1] // 2]) + 1,
        middle_pictures(taught.video)[interval],
        middle_pictures(elr)[interval],
        middle_maps((grey(taught.video) - grey(elr)).abs())[interval],
        attention[interval],
        (taught.video, elr),
    )
