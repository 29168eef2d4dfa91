"""Where it happens: a room, the open air or a clutter of things, wider than the frame so that the camera can move."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.data.mime.body import darker, random_colour
from farview.data.mime.camera import HEIGHT, WIDTH

MARGIN_X, MARGIN_Y = 128, 20  # px of scenery beyond each border of the frame
SIZE = (HEIGHT + 2 * MARGIN_Y, WIDTH + 2 * MARGIN_X)

Picture = NDArray[Any]  # float32 (H, W, 3), 0..255


def draw_scene(rng: np.random.Generator, horizon: float) -> NDArray[np.uint8]:
    """A background, `SIZE` + (3,) uint8, whose floor begins at row `horizon` of the frame."""
    edge = int(np.clip(horizon + MARGIN_Y, 20, SIZE[0] - 30))
    paint = [room, outdoors, clutter][rng.choice(3, p=[0.55, 0.4, 0.05])]
    scene = paint(rng, edge)
    scene += noise(rng, SIZE, rng.uniform(0.3, 0.8)) * rng.uniform(2.0, 10.0)
    scene = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.6, 1.6))
    # Walls and meadows are duller than clothes.
    level = scene.mean(axis=(0, 1))
    scene = level + rng.uniform(0.35, 0.8) * (scene - level)
    return np.clip(scene, 0, 255).astype(np.uint8)


def noise(rng: np.random.Generator, size: tuple[int, int], roughness: float) -> Picture:
    """Cloudy grey texture, (H, W, 1), RMS about 1; `roughness` 0..1 weighs fine against coarse octaves."""
    total = np.zeros(size, dtype=np.float32)
    for octave in range(5):
        small = rng.standard_normal(
            (max(2, size[0] >> (6 - octave)), max(2, size[1] >> (6 - octave))), dtype=np.float32
        )
        total += roughness**octave * cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return (total / max(float(total.std()), 1e-6))[:, :, None]


def room(rng: np.random.Generator, edge: int) -> Picture:
    """Wall, floor and furniture."""
    height, width = SIZE
    scene = np.empty((height, width, 3), dtype=np.float32)
    scene[:edge] = random_colour(rng, saturation=(0.0, 0.35), value=(0.3, 0.95))
    scene[edge:] = random_colour(rng, (0.02, 0.15), (0.0, 0.5), (0.2, 0.8))
    if rng.random() < 0.5:  # wallpaper
        stripes = np.sin(np.arange(width) * rng.uniform(0.2, 1.2)) * rng.uniform(3.0, 18.0)
        scene[:edge] += stripes[None, :, None].astype(np.float32)
    if rng.random() < 0.7:  # boards or tiles, converging
        dark = tuple(0.8 * value for value in scene[-1, 0].tolist())
        step, spread = int(rng.integers(10, 30)), rng.uniform(1.3, 2.2)
        for x in range(-width, 2 * width, step):
            cv2.line(
                scene, (x, edge), (int(width / 2 + spread * (x - width / 2)), height), dark, 1, cv2.LINE_AA
            )
        if rng.random() < 0.5:
            for row in edge + (height - edge) * np.linspace(0.0, 1.0, int(rng.integers(4, 9))) ** 1.6:
                cv2.line(scene, (0, int(row)), (width, int(row)), dark, 1)
    cv2.rectangle(scene, (0, edge - 2), (width, edge), random_colour(rng, saturation=(0.0, 0.3)), -1)
    for _ in range(rng.integers(4, 12)):  # pictures, windows, screens
        x, y = int(rng.integers(0, width)), int(rng.integers(0, max(edge - 15, 1)))
        right, bottom = x + int(rng.integers(6, 36)), min(y + int(rng.integers(6, 34)), edge - 4)
        if bottom > y + 3:
            cv2.rectangle(scene, (x, y), (right, bottom), random_colour(rng), -1)
            cv2.rectangle(
                scene, (x + 1, y + 1), (right - 1, bottom - 1), random_colour(rng, saturation=(0.0, 0.5)), -1
            )
    for _ in range(rng.integers(2, 7)):  # doors, cupboards, tables
        box(rng, scene, edge + int(rng.integers(-1, 10)), int(rng.integers(8, 44)), int(rng.integers(10, 46)))
    for _ in range(rng.integers(0, 4)):
        bush(rng, scene, edge + int(rng.integers(0, 10)), int(rng.integers(8, 26)))
    return scene


def outdoors(rng: np.random.Generator, edge: int) -> Picture:
    """Sky, hills or houses, trees, and ground."""
    height, width = SIZE
    scene = np.empty((height, width, 3), dtype=np.float32)
    above, below = (
        random_colour(rng, (0.5, 0.65), (0.05, 0.6), (0.5, 0.95)),
        random_colour(rng, (0.05, 0.6), (0, 0.2), (0.6, 1.0)),
    )
    share = np.linspace(0.0, 1.0, edge, dtype=np.float32)[:, None, None]
    scene[:edge] = (1.0 - share) * np.array(above, np.float32) + share * np.array(below, np.float32)
    scene[:edge] += noise(rng, (edge, width), 0.5) * rng.uniform(0.0, 12.0)
    if rng.random() < 0.5:  # hills
        ridge = edge - 6 - 7 * rng.uniform(0.3, 1.5) * (1.0 + noise(rng, (64, width), 0.3)[32, :, 0])
        hill = np.arange(edge)[:, None] > ridge[None]
        scene[:edge][hill] = random_colour(rng, (0.2, 0.6), (0.1, 0.5), (0.25, 0.7))
    else:  # houses
        for _ in range(rng.integers(4, 10)):
            box(rng, scene, edge, int(rng.integers(20, 70)), int(rng.integers(14, 60)))
    green = rng.random() < 0.5
    scene[edge:] = random_colour(rng, (0.15, 0.35) if green else (0.05, 0.15), (0.05, 0.55), (0.2, 0.7))
    scene[edge:] += noise(rng, (height - edge, width), 0.9) * rng.uniform(4.0, 16.0)
    for _ in range(rng.integers(0, 8)):
        bush(rng, scene, edge + int(rng.integers(-2, 12)), int(rng.integers(10, 50)))
    return scene


def clutter(rng: np.random.Generator, edge: int) -> Picture:
    """Shapes of all sizes behind a plain floor: hard to tell a person from."""
    height, width = SIZE
    scene = np.empty((height, width, 3), dtype=np.float32)
    scene[:] = random_colour(rng)
    for size in np.linspace(40, 4, 90):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, edge + 8))
        half = (int(size * rng.uniform(0.2, 0.7)) + 1, int(size * rng.uniform(0.2, 0.7)) + 1)
        cv2.ellipse(scene, (x, y), half, rng.uniform(0, 180), 0, 360, random_colour(rng), -1, cv2.LINE_AA)
        if rng.random() < 0.5:
            box(rng, scene, min(y + half[1], height - 1), 2 * half[0], 2 * half[1])
    scene[edge + 6 :] = random_colour(rng, saturation=(0.0, 0.4))
    scene[edge + 6 :] += noise(rng, (height - edge - 6, width), 0.8) * rng.uniform(2.0, 12.0)
    return scene


def box(rng: np.random.Generator, scene: Picture, base: int, width: int, height: int) -> None:
    """A thing with a front, a darker border and a shelf or window or two, standing on row `base`."""
    x = int(rng.integers(-width, SIZE[1]))
    colour = random_colour(rng, saturation=(0.0, 0.6))
    cv2.rectangle(scene, (x, base - height), (x + width, base), darker(colour), -1)
    cv2.rectangle(scene, (x + 1, base - height + 1), (x + width - 1, base), colour, -1)
    for _ in range(rng.integers(0, 4)):
        left, top = x + int(rng.integers(1, width)), base - int(rng.integers(1, height))
        corner = (
            min(left + int(rng.integers(2, 10)), x + width - 2),
            min(top + int(rng.integers(2, 10)), base - 2),
        )
        cv2.rectangle(scene, (left, top), corner, random_colour(rng), -1)


def bush(rng: np.random.Generator, scene: Picture, base: int, height: int) -> None:
    """A tree or plant of overlapping blobs on a stem."""
    x = int(rng.integers(0, SIZE[1]))
    leaf = random_colour(rng, (0.18, 0.42), (0.2, 0.7), (0.15, 0.65))
    cv2.line(
        scene, (x, base), (x, base - height // 2), random_colour(rng, (0.05, 0.1), (0.2, 0.6), (0.1, 0.4)), 2
    )
    for _ in range(12):
        centre = (x + int(rng.normal(0, height / 5)), base - int(height * rng.uniform(0.35, 0.95)))
        cv2.circle(scene, centre, max(1, height // 8), darker(leaf, rng.uniform(0.7, 1.2)), -1, cv2.LINE_AA)
