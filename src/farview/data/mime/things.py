"""Things around the figure: a seat, something in the hand, and what moves without meaning anything.

Each returns points in body heights, axes (forward, left, up) of the figure, (N, J, 3), and shapes over them.
"""

import numpy as np

from farview.data.mime.body import random_colour
from farview.data.mime.motion import Floats, wobble
from farview.data.mime.shapes import Shape

Thing = tuple[Floats, list[Shape]]


def seat(rng: np.random.Generator, moments: int, forward: float, left: float) -> Thing:
    """A stool or box to sit on around (forward, left); its top is 0.25 body heights high."""
    half, top = rng.uniform(0.09, 0.14), 0.25
    low = 0.0 if rng.random() < 0.4 else 0.2  # a box, or a slab on legs
    ends = np.array([-half, half])
    corners = np.array([(forward + x, left + y, z) for z in (low, top) for x in ends for y in ends])
    colour = random_colour(rng, saturation=(0.0, 0.6))
    points, shapes = list(corners), [Shape(tuple(range(8)), (0.012,) * 8, colour, nearer=-0.05)]
    if low:
        for x in ends:
            for y in ends:
                shapes.append(Shape((len(points), len(points) + 1), (0.012, 0.012), colour, nearer=-0.05))
                points += [np.array([forward + x, left + y, low]), np.array([forward + x, left + y, 0.0])]
    return np.tile(np.array(points), (moments, 1, 1)), shapes


def held_thing(rng: np.random.Generator, kind: str, hand: Floats) -> Thing:
    """A cup, telephone or ball in the hand (N, 3)."""
    if kind == "cup":
        colour, length, radius = random_colour(rng, saturation=(0.0, 0.7), value=(0.5, 1.0)), 0.045, 0.017
    elif kind == "telephone":
        colour, length, radius = random_colour(rng, saturation=(0.0, 0.3), value=(0.02, 0.3)), 0.065, 0.013
    else:
        colour, length, radius = random_colour(rng), rng.uniform(0.0, 0.08), rng.uniform(0.015, 0.03)
    grip = np.array([0.022, 0.0, 0.0])
    points = np.stack([hand + grip, hand + grip + np.array([0.0, 0.0, length])], axis=1)
    return points, [Shape((0, 1), (radius, radius), colour, nearer=0.03)]


def plant(rng: np.random.Generator, time: Floats, yaw: float) -> Thing:
    """Leaves on stems that sway, beside the figure."""
    leaves = int(rng.integers(4, 9))
    height = rng.uniform(0.25, 0.8)
    side = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.1)
    across = np.full((len(time), 2 * leaves), side)
    up = np.zeros((len(time), 2 * leaves))
    lean = rng.uniform(-0.5, 0.5, leaves) + rng.uniform(0.05, 0.3) * wobble(time, rng, 0.3, 1.5, leaves)
    tall = height * rng.uniform(0.5, 1.0, leaves)
    across[:, 1::2] += tall * np.sin(lean)
    up[:, 1::2] = tall * np.cos(lean)
    away = np.full(across.shape, rng.uniform(-0.3, 1.2))
    leaf = random_colour(rng, (0.18, 0.42), (0.2, 0.7), (0.15, 0.7))
    shapes = [Shape((2 * i, 2 * i + 1), (0.01, rng.uniform(0.015, 0.05)), leaf) for i in range(leaves)]
    return turned(across, away, up, yaw), shapes


def passer(rng: np.random.Generator, time: Floats, yaw: float) -> Thing:
    """A lump that crosses the picture: an animal, a ball, a cart, somebody's shoulder."""
    speed = rng.choice([-1.0, 1.0]) * rng.uniform(0.25, 1.2)
    across = speed * (time - rng.uniform(time[0], time[-1])) + rng.uniform(-0.5, 0.5)
    height = rng.uniform(0.05, 0.9)
    hop = rng.uniform(0.0, 0.06) * np.abs(np.sin(2.0 * np.pi * rng.uniform(0.5, 2.5) * time))
    length = rng.uniform(0.0, 0.3)
    flat = np.stack([across, across + length], axis=1)
    up = np.repeat((height + hop)[:, None], 2, axis=1)
    away = np.full(flat.shape, rng.choice([-0.35, 0.5, 1.5]))
    radius = rng.uniform(0.03, 0.13)
    return turned(flat, away, up, yaw), [
        Shape((0, 1), (radius, radius * rng.uniform(0.6, 1.0)), random_colour(rng))
    ]


def lamp(rng: np.random.Generator, time: Floats, yaw: float) -> Thing:
    """Something that hangs and swings."""
    angle = rng.uniform(0.05, 0.4) * np.sin(
        2.0 * np.pi * rng.uniform(0.4, 1.0) * time + rng.uniform(0.0, 6.0)
    )
    length = rng.uniform(0.2, 0.6)
    top = rng.uniform(1.1, 1.4)
    across = np.stack([np.zeros_like(angle), length * np.sin(angle)], axis=1) + rng.uniform(-1.1, 1.1)
    up = top - np.stack([np.zeros_like(angle), length * np.cos(angle)], axis=1)
    shape = Shape((0, 1), (0.008, rng.uniform(0.02, 0.07)), random_colour(rng))
    return turned(across, np.full(across.shape, rng.uniform(0.2, 1.5)), up, yaw), [shape]


def turned(across: Floats, away: Floats, up: Floats, yaw: float) -> Floats:
    """(N, J) each, as the camera sees them -> (N, J, 3) along the figure's axes (see `Camera.project`)."""
    forward = np.sin(yaw) * across - np.cos(yaw) * away
    left = np.cos(yaw) * across + np.sin(yaw) * away
    return np.stack([forward, left, up], axis=-1)
