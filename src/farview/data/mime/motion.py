"""How a figure moves: time series of the trunk, hands and feet, and the smooth curves they are made of.

Lengths are in body heights and axes are (forward, left, up) of the figure, unless said otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

REST = (0.08, 0.14, -0.94)
"""A hanging hand, see `Motion.hands`."""


@dataclass
class Motion:
    """What a figure does at N moments. Limbs follow from it by inverse kinematics (`body.skeleton`)."""

    pelvis: Floats
    """(N, 3) displacement from where it is when standing upright."""
    trunk: Floats
    """(N, 3) radians: pitch forward, roll to the left, twist to the left."""
    head: Floats
    """(N,) radians: nod relative to the trunk, positive forward."""
    hands: Floats
    """(N, 2, 3) left and right hand from its shoulder in arm lengths: forward, outward, up."""
    feet: Floats
    """(N, 2, 3) left and right foot on the floor; up is 0 on the ground."""


@dataclass(frozen=True)
class Style:
    """How this person does things in this clip."""

    length: float
    """Seconds in the clip."""
    tempo: float
    """1 is usual, 1.2 is a fifth faster."""
    size: float
    """Amplitude of gestures, 1 is usual."""
    lead: int
    """Hand and foot that act: 0 left, 1 right."""


def minimum_jerk(phase: Floats) -> Floats:
    """Smoothest way from 0 to 1 for phase 0..1, clamped outside (Flash and Hogan, 1985)."""
    s = np.clip(phase, 0.0, 1.0)
    return s**3 * (10.0 - 15.0 * s + 6.0 * s**2)


def keyframes(time: Floats, keys: Sequence[tuple[float, ArrayLike]]) -> Floats:
    """Minimum-jerk moves between (second, value) keys of rising time, (N, D); constant before and after them."""
    at = np.array([second for second, _ in keys])
    values = np.array([value for _, value in keys], dtype=np.float64)  # (K, D)
    left = np.clip(np.searchsorted(at, time, side="right") - 1, 0, len(at) - 2)
    phase = minimum_jerk((time - at[left]) / (at[left + 1] - at[left]))[:, None]
    return values[left] + phase * (values[left + 1] - values[left])


def wobble(time: Floats, rng: np.random.Generator, low: float, high: float, channels: int) -> Floats:
    """Smooth aimless movement, (N, channels): three sines of random phase between `low` and `high` Hz, RMS 1."""
    hertz = rng.uniform(low, high, (3, channels))
    phase = rng.uniform(0.0, 2.0 * np.pi, (3, channels))
    return np.sin(2.0 * np.pi * hertz * time[:, None, None] + phase).sum(axis=1) * np.sqrt(2.0 / 3.0)


def standing(time: Floats, rng: np.random.Generator) -> Motion:
    """Someone who waits: sways, breathes, shifts the weight."""
    hands = np.tile(np.array(REST), (len(time), 2, 1))
    hands += rng.normal(0.0, 0.04, (1, 2, 3))
    hands += 0.03 * wobble(time, rng, 0.2, 0.9, 6).reshape(-1, 2, 3)
    width = rng.uniform(0.05, 0.1)
    stagger = rng.uniform(-0.05, 0.05)
    feet = np.tile(np.array([[stagger, width, 0.0], [-stagger, -width, 0.0]]), (len(time), 1, 1))
    return Motion(
        pelvis=wobble(time, rng, 0.15, 0.5, 3) * np.array([0.006, 0.010, 0.002])
        - np.array([0.0, 0.0, 0.012]),
        trunk=wobble(time, rng, 0.15, 0.6, 3) * np.array([0.015, 0.012, 0.04]),
        head=0.05 * wobble(time, rng, 0.2, 0.8, 1)[:, 0],
        hands=hands,
        feet=feet,
    )
