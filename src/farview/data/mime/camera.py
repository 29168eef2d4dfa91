"""Where the camera stands, how it shakes, and what light it sees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farview.data.mime.motion import Floats, wobble

HEIGHT, WIDTH = 96, 128
FAR, NEAR = 0.48, 0.72
"""Smallest and largest height of a person, as a share of the frame's."""


@dataclass(frozen=True)
class Camera:
    """Positions are pixels (x, y) of the HR frame; axes of the figure are turned by `yaw` and `elevation`."""

    scale: float
    """Pixels a body height."""
    floor: tuple[float, float]
    """Where the figure's origin on the floor is seen."""
    yaw: float
    """Radians the figure is turned from facing the camera towards the right of the picture."""
    elevation: float
    """Radians the camera looks down."""
    distance: float
    """From the figure, in body heights: perspective."""
    pan: Floats
    """(N,) how far the camera has followed the figure, px."""
    shake: Floats
    """(N, 4): x and y px, rotation in radians, logarithm of zoom."""

    def project(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """(N, J, 3) in body heights -> pixels (N, J, 2), depth (N, J) in heights, pixels a height (N, J)."""
        forward, left, up = np.moveaxis(points, -1, 0)
        across = np.sin(self.yaw) * forward + np.cos(self.yaw) * left
        away = np.sin(self.yaw) * left - np.cos(self.yaw) * forward
        rise = np.cos(self.elevation) * up + np.sin(self.elevation) * away
        depth = np.cos(self.elevation) * away - np.sin(self.elevation) * up
        scale = self.scale * self.distance / np.maximum(self.distance + depth, 1.0)
        flat = np.stack([self.floor[0] + scale * across, self.floor[1] - scale * rise], axis=-1)
        matrix = self.matrices()  # (N, 2, 3)
        seen = np.einsum("njk,nik->nji", flat, matrix[:, :, :2]) + matrix[:, None, :, 2]
        return seen, depth, scale

    def matrices(self) -> Floats:
        """(N, 2, 3): from the unmoved picture to the frame as the moving camera sees it."""
        x, y, angle, zoom = self.shake.T
        cosine, sine = np.exp(zoom) * np.cos(angle), np.exp(zoom) * np.sin(angle)
        turn = np.stack([cosine, -sine, sine, cosine], axis=-1).reshape(-1, 2, 2)
        centre = np.array([WIDTH / 2.0, HEIGHT / 2.0])
        moved = np.stack([x - self.pan, y], axis=-1)
        offset = centre + np.einsum("nij,nj->ni", turn, moved - centre)
        return np.concatenate([turn, offset[:, :, None]], axis=2)


def draw_camera(rng: np.random.Generator, time: Floats, yaw: float, way: Floats) -> Camera:
    """A random camera for a figure that faces `yaw` and whose pelvis goes `way` (N,) heights forward."""
    scale = HEIGHT * np.exp(rng.uniform(np.log(FAR), np.log(NEAR)))
    floor_y = rng.uniform(max(1.25 * scale, 0.8 * HEIGHT), 0.96 * HEIGHT)
    across = scale * np.sin(yaw) * way
    span = float(np.ptp(across))
    follow = rng.uniform(max(0.0, 1.0 - 0.6 * WIDTH / max(span, 1.0)), 1.0) if span > 0.1 * WIDTH else 0.0
    steadiness = np.exp(rng.uniform(np.log(0.02), np.log(0.4)))
    shake = steadiness * (wobble(time, rng, 0.3, 1.2, 4) + 0.35 * wobble(time, rng, 2.0, 5.0, 4))
    drift = np.outer(time - time.mean(), rng.normal(0.0, [0.8, 0.4, 0.002, 0.004]))
    return Camera(
        scale=float(scale),
        floor=(float(rng.uniform(0.4, 0.6) * WIDTH), float(floor_y)),
        yaw=yaw,
        elevation=rng.uniform(0.03, 0.35),
        distance=rng.uniform(5.0, 12.0),
        pan=follow * across,
        shake=shake * np.array([0.8, 0.8, 0.004, 0.004]) + drift,
    )


@dataclass(frozen=True)
class Light:
    """What becomes of a picture on its way to the file: illumination, sensor and rounding."""

    gain: NDArray[np.float32]
    """(HEIGHT, WIDTH, 3): brightness, colour cast, vignetting, light from a side."""
    flicker: Floats
    """(T,) factor of each frame."""
    grain: float
    """Sigma of the HR sensor's noise, grey levels."""


def draw_light(rng: np.random.Generator, time: Floats) -> Light:
    """Random light for frames at `time` (T,) seconds."""
    y, x = np.mgrid[-1.0 : 1.0 : HEIGHT * 1j, -1.0 : 1.0 : WIDTH * 1j]
    direction = rng.uniform(0.0, 2.0 * np.pi)
    side = 1.0 + rng.uniform(0.0, 0.25) * (np.cos(direction) * x + np.sin(direction) * y)
    vignette = 1.0 - rng.uniform(0.0, 0.25) * (x**2 + y**2) / 2.0
    cast = rng.uniform(0.75, 1.15) * rng.normal(1.0, 0.05, 3)
    flicker = 1.0 + rng.uniform(0.0, 0.04) * wobble(time, rng, 0.2, 1.5, 1)[:, 0]
    gain = (side * vignette)[:, :, None] * cast
    return Light(gain.astype(np.float32), flicker, grain=rng.uniform(1.0, 4.0))
