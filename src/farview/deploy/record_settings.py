"""What `farview record` keeps of a source."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from farview.errors import FarviewError, UnreadableClip
from farview.frames.recorder import Origin
from farview.frames.recording import RecordingReader, refuse_other_size
from farview.frames.sensor import SensorModel
from farview.frames.source import Frames, Image, Source
from farview.models.contract import read_contract

LUMA_NOISE = float(np.linalg.norm([0.299, 0.587, 0.114]))
"""Standard deviation of luma (ITU-R BT.601) of three channels with independent noise of deviation 1."""


@dataclass(frozen=True)
class Settings:
    """What is kept of a source."""

    sensor: SensorModel = SensorModel()
    grey: bool = False
    """One channel (luma) instead of RGB. Grey sources are kept grey anyway."""
    rate: float = 25.0
    """Frames per second of sources that state none: folders of images, arrays."""
    seconds: float | None = None
    """Only so much from the start; None: everything, or until Ctrl-C."""
    asked: frozenset[str] = frozenset()
    """Which of the sensor's keys were asked for: an eLR recording made with others cannot give them."""

    def stamp(self, source: Source) -> str:
        """Changes with the source and with what is kept of it, apart from the sensor."""
        text = f"{source.fingerprint()} {self.grey} {self.rate} {self.seconds}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise FarviewError(f"--rate: {self.rate} must be above 0, in frames per second")
        if self.seconds is not None and not self.seconds > 0:
            raise FarviewError(f"--seconds: {self.seconds} must be above 0")

    def made_by(self, opened: Frames) -> SensorModel:
        """What makes the frames that are kept of `opened`: this sensor, or the one that made an eLR recording.

        Raises `UnreadableClip` where that one is not as asked for: nothing is degraded twice.
        """
        refuse_other_size(opened, (self.sensor.height, self.sensor.width))
        if not isinstance(opened, RecordingReader):
            return self.sensor
        for key in sorted(self.asked & {"blur", "noise"}):
            made, wanted = getattr(opened.origin.sensor, key), getattr(self.sensor, key)
            if made != wanted:
                raise UnreadableClip(
                    f"an eLR recording made with {key} {made} cannot give {key} {wanted}; record what it was made "
                    f"from, or leave out --{key} (or --model)"
                )
        return opened.origin.sensor

    def origin(self, source: Source, opened: Frames, image: Image) -> Origin:
        """What a recording of `source` tells of itself, where `image` (H, W, C) is its first frame as it came.

        An eLR recording's own facts stay true of its frames; but where it turns grey its noise shrinks, since three
        channels' are averaged.
        """
        if isinstance(opened, RecordingReader):
            sensor = opened.origin.sensor
            if self.grey and image.shape[2] == 3:
                sensor = replace(sensor, noise=sensor.noise * LUMA_NOISE)
            return replace(opened.origin, sensor=sensor, fingerprint=self.stamp(source))
        rate = opened.fps or self.rate
        return Origin(self.sensor, image.shape[0], image.shape[1], rate, fingerprint=self.stamp(source))

    def elr(self, frame: Image, number: int) -> Image:
        """A frame (H, W, C) as it is kept, (h, w, C); the same as a model that this sensor belongs to would see.

        Raises FarviewError where it has too few pixels.
        """
        if self.grey and frame.shape[2] == 3:
            frame = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)[..., None]
        return self.sensor.degrade(frame[None], [number])[0]


def seen_by(model: str | Path, settings: Settings) -> Settings:
    """`settings` with what a model sees. Raises `FarviewError` where it sees HR."""
    contract = read_contract(model)
    if contract.resolution != "elr" or contract.sensor is None:
        raise FarviewError(f"{model}: sees HR frames, which are never recorded; name a model for eLR frames")
    asked = frozenset({"height", "width", "blur", "noise"})
    return replace(settings, sensor=contract.sensor, grey=contract.channels == 1, asked=asked)
