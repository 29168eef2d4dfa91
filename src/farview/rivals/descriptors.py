"""How each frame looks and moves, as numbers: histograms of gradients, of flow, of its gradients; network features."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from farview.frames.flow import enlarged, searcher
from farview.frames.source import Images
from farview.rivals.frame_network import FrameNetwork

Series = NDArray[np.float32]  # (T, D): a descriptor of every frame, at least 0
Descriptor = Literal["hog", "hof", "mbh", "cnn"]
Fields = NDArray[np.float32]  # (T, H, W)

CELLS, DIRECTIONS = 5, 8
MOVING = 3 / 320
"""Least motion between two frames that votes in HOF, as a share of the frame's width."""


def describe(
    frames: Images, names: tuple[Descriptor, ...], network: FrameNetwork | None = None
) -> dict[Descriptor, Series]:
    """The series of each named descriptor; frames (T, h, w, C) uint8, T >= 1, grey or RGB.

    - `hog`, (T, 200): direction without sign and strength of the grey levels' gradient, in hundreds of levels an eLR
      pixel;
    - `hof`, (T, 200): share of each cell's pixels that move in each direction, 0..1;
    - `mbh`, (T, 400): as `hog` of the flow's two components, in pixels a pixel;
    - `cnn`, (T, D): what `network` says of the frame, D its features.

    The first three are in 5x5 cells of 8 directions, cells row by row. Flow is that to the next frame; the last frame
    repeats it. ValueError for `cnn` without a network.
    """
    found: dict[Descriptor, Series] = {}
    if "cnn" in names:
        if network is None:
            raise ValueError("the descriptor cnn needs a network")
        found["cnn"] = network.series(frames)
    grey = enlarged(frames)
    if "hog" in names:
        found["hog"] = gradient_histogram(grey * np.float32(grey.shape[1] / frames.shape[1] / 100))
    if {"hof", "mbh"} & set(names):
        x, y = flow(grey)
        if "hof" in names:
            strong = np.hypot(x, y) >= MOVING * grey.shape[2]
            found["hof"] = histogram(x, y, strong.astype(np.float32), signed=True)
        if "mbh" in names:
            found["mbh"] = np.concatenate([gradient_histogram(x), gradient_histogram(y)], axis=1)
    return {name: found[name] for name in names}


def flow(grey: Images) -> tuple[Fields, Fields]:
    """Motion to the next frame in pixels, right and down, (T, H, W) each: dense inverse search (Kroeger, ECCV 2016).

    The search is told at first that nothing moves, which the stored flow's is not: where noise outweighs motion it
    stays nearer to none.
    """
    found = np.zeros((*grey.shape, 2), np.float32)
    search = searcher("dis")
    for t in range(len(grey) - 1):
        found[t] = search.calc(grey[t], grey[t + 1], found[t])
    if len(grey) > 1:
        found[-1] = found[-2]
    return found[..., 0], found[..., 1]


def gradient_histogram(values: Fields) -> Series:
    """(T, H, W) to (T, 200): directions of the gradient over half a turn, weighted with its length."""
    y, x = (np.asarray(each, np.float32) for each in np.gradient(values, axis=(1, 2)))
    return histogram(x, y, np.hypot(x, y), signed=False)


def histogram(x: Fields, y: Fields, weight: Fields, signed: bool) -> Series:
    """Mean of `weight` in each cell and direction, (T, 200).

    The first direction is centred on the x axis; without `signed` opposite ones are one, over half a turn.
    """
    length, height, width = x.shape
    turn = 2 * np.pi if signed else np.pi
    step = turn / DIRECTIONS
    direction = np.floor((np.arctan2(y, x) % turn) / step + 0.5).astype(np.int64) % DIRECTIONS
    row, column = (np.arange(n) * CELLS // n for n in (height, width))
    cell = row[:, None] * CELLS + column  # (H, W)
    place = (np.arange(length)[:, None, None] * CELLS**2 + cell) * DIRECTIONS + direction  # (T, H, W)
    size = CELLS**2 * DIRECTIONS
    total = np.bincount(place.ravel(), weight.ravel(), length * size).reshape(length, -1, DIRECTIONS)
    pixels = np.bincount(cell.ravel(), minlength=CELLS**2)
    return (total / pixels[:, None]).reshape(length, size).astype(np.float32)
