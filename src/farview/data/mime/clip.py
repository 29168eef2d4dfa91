"""One clip of `mime` as a source of frames."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

import numpy as np

from farview.data.mime import body, things
from farview.data.mime.actions import ACTIONS
from farview.data.mime.body import Person, draw_person, skeleton
from farview.data.mime.camera import HEIGHT, WIDTH, draw_camera, draw_light
from farview.data.mime.motion import Floats, Motion, Style
from farview.data.mime.render import EXPOSURES, Stage
from farview.data.mime.scene import draw_scene
from farview.data.mime.shapes import figure
from farview.frames.source import Frames, Image, Images

VERSION = 2
"""Of all that is drawn: raised with every change that changes a pixel, so that stored frames are made anew."""

RATE = 16.0
"""Frames a second."""
LENGTHS = (32, 48)
"""Fewest and most frames of a clip."""
SHUTTER = 0.5
"""Share of a frame's time between its first and last exposure."""

MimePart = Literal["train", "val", "test"]
STREAMS = {"train": 0, "val": 1, "test": 2}


@dataclass(frozen=True)
class MimeClip:
    """Person number `index // classes` of a part doing action number `index % classes`, in a scene of its own.

    Everything follows from the three numbers, whenever and wherever it is drawn; parts share neither people nor scenes.
    """

    seed: int
    part: MimePart
    index: int

    @property
    def name(self) -> str:
        return f"mime:{self.seed}/{self.part}/{self.index:04d}"

    @property
    def label(self) -> int:
        """Index into `ACTIONS`."""
        return self.index % len(ACTIONS)

    @property
    def group(self) -> str:
        """Who does it."""
        return f"{self.part}-{self.index // len(ACTIONS):03d}"

    def fingerprint(self) -> str:
        return f"mime version {VERSION}: {self.seed} {self.part} {self.index}"

    def open(self) -> Frames:
        return MimeFrames(self)

    def person(self) -> Person:
        """The same in all clips of the group."""
        return draw_person(self.random(0, self.index // len(ACTIONS)))

    def random(self, stream: int, number: int) -> np.random.Generator:
        """Randomness of this seed and part alone."""
        return np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(STREAMS[self.part], stream, number))
        )

    def motion(self, rng: np.random.Generator, time: Floats, person: Person) -> tuple[Motion, Style]:
        """What the person does at `time` seconds."""
        usual = 1 if person.right_handed else 0
        style = Style(
            length=float(time[-1]),
            tempo=person.tempo * rng.uniform(0.9, 1.1),
            size=person.size * rng.uniform(0.9, 1.1),
            lead=usual if rng.random() < 0.85 else 1 - usual,
        )
        return list(ACTIONS.values())[self.label](time, style, rng), style

    def stage(self) -> tuple[int, Stage]:
        """Number of frames, and all that is needed to draw them."""
        rng = self.random(1, self.index)
        frames = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
        shown = np.arange(frames) / RATE
        time = (shown[:, None] + np.linspace(0.0, SHUTTER / RATE, EXPOSURES)).ravel()  # (N,)
        person = self.person()
        motion, style = self.motion(rng, time, person)
        action = list(ACTIONS)[self.label]
        yaw = draw_yaw(rng, action)
        joints = skeleton(motion, person)
        camera = draw_camera(rng, time, yaw, motion.pelvis[:, 0] if action in ("walk", "run") else 0.0 * time)
        points, shapes = [joints], figure(person)
        for more, parts in surroundings(
            rng, action, time, yaw, joints[:, body.HAND + body.SIDE * style.lead]
        ):
            count = sum(group.shape[1] for group in points)
            shapes += [shape.moved(count) for shape in parts]
            points.append(more)
        height = camera.floor[1] - camera.scale * rng.uniform(0.15, 0.9)
        stage = Stage(
            points=np.concatenate(points, axis=1),
            shapes=shapes,
            shadow=cast_shadow(rng, joints),
            camera=camera,
            scene=draw_scene(rng, min(height, 0.8 * HEIGHT)),
            light=draw_light(rng, shown),
            grain=rng.standard_normal((HEIGHT + 41, WIDTH + 43, 3), dtype=np.float32),
        )
        return frames, stage


def draw_yaw(rng: np.random.Generator, action: str) -> float:
    """Which way the figure faces: travellers across the picture, others roughly to the camera."""
    if action in ("walk", "run"):
        return float(rng.choice([-1.0, 1.0]) * np.radians(rng.uniform(40.0, 100.0)))
    return float(np.radians(rng.uniform(-70.0, 70.0)))


def surroundings(
    rng: np.random.Generator, action: str, time: Floats, yaw: float, hand: Floats
) -> Iterator[things.Thing]:
    """Things in the hand, a seat, and what moves without meaning; all of them also where no action needs them."""
    if action in ("drink", "phone") or rng.random() < 0.3:
        kind = {"drink": "cup", "phone": "telephone"}.get(action) or str(
            rng.choice(["cup", "telephone", "other"])
        )
        yield things.held_thing(rng, kind, hand)
    if action == "sit down":
        yield things.seat(rng, len(time), -0.22, 0.0)
    elif rng.random() < 0.4:
        side = rng.choice([-1.0, 1.0])
        yield things.seat(rng, len(time), rng.uniform(-0.5, -0.2), side * rng.uniform(0.0, 0.6))
    for thing in (things.plant, things.passer, things.lamp):
        if rng.random() < 0.2:
            yield thing(rng, time, yaw)


def cast_shadow(rng: np.random.Generator, joints: Floats) -> Floats:
    """Joints (N, J, 3) along the light onto the floor; long where the light is low."""
    slant = rng.normal(0.0, 0.25, 2)
    shadow = joints[:, [body.HEAD, body.PELVIS, body.ANKLE, body.ANKLE + body.SIDE]].copy()
    shadow[:, :, :2] += shadow[:, :, 2:] * slant
    shadow[:, :, 2] = 0.0
    return shadow


class MimeFrames:
    """An opened clip: frames are drawn when they are asked for."""

    fps = RATE

    def __init__(self, clip: MimeClip) -> None:
        self.clip = clip
        self.length, self.stage = clip.stage()

    def __len__(self) -> int:
        return self.length

    def read(self, indices: Sequence[int]) -> Images:
        """Frames at `indices`, (N, 96, 128, 3) uint8. Raises IndexError outside 0..len-1."""
        for index in indices:
            if not 0 <= index < self.length:
                raise IndexError(f"{self.clip.name} has no frame {index}: it has {self.length}")
        frames = [self.stage.frame(index) for index in indices]
        return np.stack(frames) if frames else np.empty((0, *self.stage.light.gain.shape), np.uint8)

    def __iter__(self) -> Iterator[Image]:
        return (self.stage.frame(index) for index in range(self.length))

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
