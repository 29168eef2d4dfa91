"""Who moves: proportions and clothes of a person, and the skeleton that a motion gives them."""

import colorsys
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from farview.data.mime.motion import Floats, Motion

PELVIS, NECK, HEAD, FACE, NAPE = range(5)
SHOULDER, ELBOW, HAND, HIP, KNEE, ANKLE, TOE = range(5, 12)  # of the left side; `+ SIDE` for the right one
SIDE = 7
JOINTS = 5 + 2 * SIDE

Colour = tuple[float, float, float]  # RGB, 0..255


@dataclass(frozen=True)
class Person:
    """Lengths in body heights, colours RGB 0..255."""

    trunk: float
    shoulders: float  # half of the breadth
    hips: float  # half of the breadth
    upper_arm: float
    forearm: float  # elbow to the middle of the hand
    thigh: float
    shin: float
    ankle: float  # above the sole
    foot: float
    head: float  # radius
    build: float  # thickness of everything, 1 is usual
    skin: Colour
    hair: Colour
    long_hair: bool
    top: Colour
    pattern: str  # of the top: plain, stripes, checks
    trim: Colour  # of the pattern
    long_sleeves: bool
    bottom: Colour
    lower: str  # trousers, shorts, skirt
    shoes: Colour
    tempo: float
    size: float
    right_handed: bool


def draw_person(rng: np.random.Generator) -> Person:
    """A random person. Averages after Drillis and Contini (1966)."""
    tall_legs = rng.uniform(0.95, 1.04)
    arms = rng.uniform(0.94, 1.06)
    skin = np.array([232.0, 190.0, 160.0]) * (1.0 - rng.uniform(0.0, 0.7) * np.array([0.75, 0.85, 0.9]))
    return Person(
        trunk=0.288 * (2.0 - tall_legs),
        shoulders=0.115 * rng.uniform(0.88, 1.12),
        hips=0.055 * rng.uniform(0.9, 1.2),
        upper_arm=0.186 * arms,
        forearm=0.190 * arms,
        thigh=0.245 * tall_legs,
        shin=0.246 * tall_legs,
        ankle=0.035,
        foot=0.11,
        head=0.066 * rng.uniform(0.92, 1.1),
        build=rng.uniform(0.8, 1.25),
        skin=(float(skin[0]), float(skin[1]), float(skin[2])),
        hair=random_colour(rng, (0.02, 0.14), (0.2, 0.7), (0.05, 0.75)),
        long_hair=bool(rng.random() < 0.4),
        top=random_colour(rng),
        pattern=str(rng.choice(["plain", "stripes", "checks"], p=[0.5, 0.3, 0.2])),
        trim=random_colour(rng),
        long_sleeves=bool(rng.random() < 0.55),
        bottom=random_colour(rng, saturation=(0.0, 0.6), value=(0.08, 0.75)),
        lower=str(rng.choice(["trousers", "shorts", "skirt"], p=[0.65, 0.2, 0.15])),
        shoes=random_colour(rng, saturation=(0.0, 0.5), value=(0.05, 0.95)),
        tempo=rng.uniform(0.85, 1.2),
        size=rng.uniform(0.85, 1.1),
        right_handed=bool(rng.random() < 0.8),
    )


def random_colour(
    rng: np.random.Generator,
    hue: tuple[float, float] = (0.0, 1.0),
    saturation: tuple[float, float] = (0.0, 0.8),
    value: tuple[float, float] = (0.1, 0.95),
) -> Colour:
    """A colour within ranges of hue, saturation and value (each 0..1)."""
    red, green, blue = colorsys.hsv_to_rgb(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value))
    return 255.0 * red, 255.0 * green, 255.0 * blue


def darker(colour: Colour, factor: float = 0.75) -> Colour:
    """The colour times `factor`."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def skeleton(motion: Motion, person: Person) -> Floats:
    """Joints in body heights, axes (forward, left, up), the floor at up = 0: (N, JOINTS, 3)."""
    joints = np.zeros((len(motion.pelvis), JOINTS, 3))
    hip_height = person.thigh + person.shin + person.ankle
    pelvis = motion.pelvis + np.array([0.0, 0.0, hip_height])
    pitch, roll, twist = motion.trunk.T
    turn = Rotation.from_euler("YXZ", np.stack([pitch, -roll, twist], axis=1))
    tilt = Rotation.from_euler("X", -roll[:, None])  # the pelvis follows the trunk to the side only
    up = np.array([0.0, 0.0, 1.0])
    neck = pelvis + turn.apply(person.trunk * up)
    nod = turn * Rotation.from_euler("Y", motion.head[:, None])
    joints[:, PELVIS], joints[:, NECK] = pelvis, neck
    joints[:, HEAD] = neck + nod.apply((0.045 + person.head) * up)
    joints[:, FACE] = joints[:, HEAD] + person.head * nod.apply(np.array([0.4, 0.0, -0.15]))
    joints[:, NAPE] = joints[:, HEAD] + person.head * nod.apply(np.array([-0.5, 0.0, -1.4]))
    for side, left in ((0, 1.0), (1, -1.0)):
        first = side * SIDE
        outward = np.array([1.0, left, 1.0])
        shoulder = neck + turn.apply(np.array([0.0, left * person.shoulders, -0.012]))
        reach = (person.upper_arm + person.forearm) * motion.hands[:, side] * outward
        elbow, hand = two_bones(
            shoulder, shoulder + reach, person.upper_arm, person.forearm, (-0.3, 0.9 * left, -0.6)
        )
        hip = pelvis + tilt.apply(np.array([0.0, left * person.hips, 0.0]))
        sole = motion.feet[:, side] + np.array([0.0, 0.0, person.ankle])
        knee, ankle = two_bones(hip, sole, person.thigh, person.shin, (0.75, 0.12 * left, 0.65))
        # The foot is square to the shin, its toes forward (up, where the shin lies forward).
        shin = (ankle - knee) / person.shin
        ahead = np.array([1.0, 0.2 * left, 0.5])
        square = ahead - (shin @ ahead)[:, None] * shin
        toe = ankle + person.foot * square / np.linalg.norm(square, axis=1, keepdims=True)
        for joint, place in zip(range(5, 12), (shoulder, elbow, hand, hip, knee, ankle, toe), strict=True):
            joints[:, first + joint] = place
    return joints


def two_bones(
    start: Floats, target: Floats, upper: float, lower: float, pole: tuple[float, float, float]
) -> tuple[Floats, Floats]:
    """Middle and end joint, (N, 3) each, of a limb of two bones that reaches from `start` towards `target`.

    The middle joint bends towards `pole`. A target out of reach is approached as far as the bones allow.
    """
    line = target - start
    distance = np.linalg.norm(line, axis=1, keepdims=True)
    line = line / np.maximum(distance, 1e-9)
    distance = np.clip(distance, abs(upper - lower) + 1e-3, 0.999 * (upper + lower))
    aside = np.array(pole) - (line @ np.array(pole))[:, None] * line
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    cosine = (upper**2 + distance**2 - lower**2) / (2.0 * upper * distance)
    middle = start + upper * (cosine * line + np.sqrt(1.0 - cosine**2) * aside)
    return middle, start + distance * line
