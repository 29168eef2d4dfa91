"""Draws a clip frame by frame: background, shadow, shapes from far to near, motion blur, light, grain."""

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.data.mime.camera import HEIGHT, WIDTH, Camera, Light
from farview.data.mime.motion import Floats
from farview.data.mime.scene import MARGIN_X, MARGIN_Y
from farview.data.mime.shapes import Shape
from farview.frames.source import Image

OVERSAMPLING = 2
"""Drawn this many times as large as the frame, for edges finer than a pixel."""
EXPOSURES = 2
"""Moments that are averaged for one frame (motion blur)."""
BITS = 4  # of a pixel's fraction in OpenCV's drawing


class Stage:
    """One clip, ready to be drawn.

    Args:
        points: (N, J, 3) in body heights at N = T * EXPOSURES moments.
        shapes: What is drawn over those points.
        shadow: (N, S, 3) points on the floor around which it is dark.
        camera: With N moments.
        scene: Background, see `scene.draw_scene`.
        light: With T frames.
        grain: (>= HEIGHT, >= WIDTH, 3) float32 normal noise, of which every frame gets another part.
    """

    def __init__(
        self,
        points: Floats,
        shapes: list[Shape],
        shadow: Floats,
        camera: Camera,
        scene: NDArray[np.uint8],
        light: Light,
        grain: NDArray[np.float32],
    ) -> None:
        self.shapes, self.scene, self.light, self.grain = shapes, scene, light, grain
        pixels, depth, scale = camera.project(points)
        self.polygons = [
            outlines(pixels[:, shape.joints], scale[:, shape.joints] * np.array(shape.radii))
            for shape in shapes
        ]
        self.patterns = [
            pattern(shape, pixels, scale) if shape.pattern != "plain" else None for shape in shapes
        ]
        self.thickness = max(1, round(0.03 * OVERSAMPLING * camera.scale))
        far = np.stack(
            [depth[:, shape.joints].mean(axis=1) - shape.nearer for shape in shapes], axis=1
        )  # (N, L)
        self.order = np.argsort(-far, axis=1)
        shade = np.clip(1.0 - 0.8 * far, 0.8, 1.12)[:, :, None]
        self.colours = np.clip(shade * np.array([shape.colour for shape in shapes]), 0, 255).tolist()
        dark, _, dark_scale = camera.project(shadow)
        self.shadows = outlines(dark, 0.05 * dark_scale, flat=0.35)
        self.views = camera.matrices()

    def frame(self, index: int) -> Image:
        """(HEIGHT, WIDTH, 3) uint8."""
        first = index * EXPOSURES
        background = self.background(first)
        pictures = [self.exposure(background.copy(), first + i) for i in range(EXPOSURES)]
        picture = pictures[0] if EXPOSURES == 1 else cv2.addWeighted(pictures[0], 0.5, pictures[1], 0.5, 0.0)
        small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        lit = cv2.multiply(small, self.light.gain, scale=float(self.light.flicker[index]), dtype=cv2.CV_32F)
        # Steps without a common divisor with the room there is: another part of the grain for each frame.
        top, left = (7 * index) % (self.grain.shape[0] - HEIGHT), (11 * index) % (self.grain.shape[1] - WIDTH)
        grain = self.grain[top : top + HEIGHT, left : left + WIDTH]
        return np.asarray(cv2.scaleAdd(grain, self.light.grain, lit).clip(0.0, 255.0) + 0.5, dtype=np.uint8)

    def background(self, moment: int) -> Image:
        """The scene as the camera sees it, on the large canvas with its shadow."""
        view = self.views[moment]
        matrix = OVERSAMPLING * view
        matrix[:, 2] -= matrix[:, :2] @ np.array([MARGIN_X, MARGIN_Y])
        matrix[:, 2] += (OVERSAMPLING - 1) / 2.0  # centres of pixels
        size = (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING)
        canvas = cv2.warpAffine(
            self.scene, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        hull = cv2.convexHull(self.shadows[moment])
        x, y, width, height = cv2.boundingRect(hull >> BITS)
        x, y = max(x - 2, 0), max(y - 2, 0)
        area = canvas[y : y + height + 4, x : x + width + 4]
        if area.size:
            dark = area.copy()
            cv2.fillConvexPoly(
                dark, hull - np.array([x << BITS, y << BITS], np.int32), (0, 0, 0), cv2.LINE_AA, BITS
            )
            area[:] = cv2.addWeighted(area, 0.65, cv2.blur(dark, (5, 5)), 0.35, 0.0)
        return np.asarray(canvas)

    def exposure(self, canvas: Image, moment: int) -> Image:
        """Draws the shapes, far ones first."""
        colours = self.colours[moment]
        for i in self.order[moment].tolist():
            hull = cv2.convexHull(self.polygons[i][moment])
            cv2.fillConvexPoly(canvas, hull, colours[i], cv2.LINE_AA, BITS)
            lines = self.patterns[i]
            if lines is not None:
                cv2.polylines(
                    canvas, lines[moment], False, self.shapes[i].trim, self.thickness, cv2.LINE_AA, BITS
                )
        return canvas


def outlines(centres: Floats, radii: Floats, flat: float = 1.0, corners: int = 10) -> NDArray[np.int32]:
    """Discs as polygons in OpenCV's fixed point on the large canvas.

    Centres (N, J, 2) and radii (N, J), px of the frame -> (N, J * corners, 2). `flat` is height over width.
    """
    angle = np.arange(corners) * (2.0 * np.pi / corners)
    circle = np.stack([np.cos(angle), flat * np.sin(angle)], axis=-1)  # (corners, 2)
    discs = centres[:, :, None] + radii[:, :, None, None] * circle
    return fixed(discs.reshape(len(centres), -1, 2))


def fixed(points: Floats) -> NDArray[np.int32]:
    """Pixels of the frame -> fixed point on the large canvas."""
    return np.rint((OVERSAMPLING * points + (OVERSAMPLING - 1) / 2.0) * (1 << BITS)).astype(np.int32)


def pattern(shape: Shape, pixels: Floats, scale: Floats) -> NDArray[np.int32]:
    """Lines of stripes or checks on a shape of four joints, (N, lines, 2, 2)."""
    left, right, left_end, right_end = (pixels[:, joint] for joint in shape.joints)
    axis = left_end + right_end - left - right
    across = np.stack([-axis[:, 1], axis[:, 0]], axis=-1)
    across *= 1.0 / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    side = np.sign(((left - right) * across).sum(axis=1, keepdims=True) + 1e-9)
    across *= side * 0.85 * (scale[:, shape.joints[0]] * shape.radii[0])[:, None]
    left, left_end, right, right_end = left + across, left_end + across, right - across, right_end - across
    lines = [
        np.stack([left + share * (left_end - left), right + share * (right_end - right)], axis=1)
        for share in np.linspace(0.05, 0.95, 5)
    ]
    if shape.pattern == "checks":
        lines += [
            np.stack([left + share * (right - left), left_end + share * (right_end - left_end)], axis=1)
            for share in (0.15, 0.5, 0.85)
        ]
    return fixed(np.stack(lines, axis=1))
