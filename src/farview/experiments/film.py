"""A recording beside its eLR frames and the attention of every frame, as MP4."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch

from farview.experiments.attention_pictures import channel_average, said
from farview.experiments.charts import COLOURS
from farview.experiments.panel import weight_bars
from farview.experiments.pictures import Floats, Row, heat, pixels, relative, rgb, tallest
from farview.frames.files import atomic_write
from farview.frames.resize import hr_frames
from farview.frames.source import Frames, Image, Images
from farview.models.recogniser import Recogniser, Recognition
from farview.models.sight import Recording, described, shown_frames

WIDTH, GAP, TITLE, LABELS, BARS, MARGIN = 320, 12, 44, 24, 92, 16  # pixels
CHUNK = 32


def film(network: Recogniser, recording: Recording, out: Path) -> None:
    """Write an H.264 film of every frame: recorded, at eLR, and the attention of the last stage over it.

    Each frame's map comes from the interval around that frame; blue to red is 0 to the largest value
    of the whole film. Below, the temporal attention of the K intervals that decide the label, each over its
    part of the recording, and a line at the running frame.
    """
    made = network.recognise(recording)
    sensor = network.contract.sensor
    aspect = (sensor.height, sensor.width) if sensor else (3, 4)
    size = 2 * round(WIDTH * aspect[0] / aspect[1] / 2), WIDTH
    with described(recording, network.contract.trained).open() as frames:
        maps = relative(running_maps(network, frames))
        rate = Fraction(frames.fps or 15).limit_denominator(1001)
        views = 3 if network.contract.resolution == "elr" else 2
        stage = backdrop(network, made, size, views)
        with atomic_write(out) as file, av.open(file, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=rate, options={"crf": "20"})
            stream.width, stream.height, stream.pix_fmt = stage.shape[1], stage.shape[0], "yuv420p"
            for start in range(0, made.length, CHUNK):
                numbers = np.arange(start, min(start + CHUNK, made.length))
                read, seen = shown_frames(frames, numbers, network.contract)
                large = rgb(hr_frames(read, size, aspect))
                shown = [large, heat(large, maps[numbers])]
                if views == 3:
                    shown.insert(1, pixels(rgb(seen), size))
                for i, number in enumerate(numbers):
                    image = compose(stage, [view[i] for view in shown], number / made.length)
                    for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                        container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)


@torch.inference_mode()
def running_maps(network: Recogniser, frames: Frames) -> Floats:
    """Spatial attention of the last stage for every frame, (length, h, w), from the interval around it.

    The network looks at K intervals at once and no map depends on another interval, so K frames go in a pass.
    """
    intervals, length = network.contract.intervals, len(frames)
    around = (np.arange(intervals.frames) - intervals.frames // 2) * intervals.stride
    maps = []
    for start in range(0, length, intervals.count):
        centres = np.minimum(start + np.arange(intervals.count), length - 1)
        indices = (centres[:, None] + around).clip(0, length - 1)  # (K, T)
        numbers, place = np.unique(indices.ravel(), return_inverse=True)
        seen = shown_frames(frames, numbers, network.contract)[1][place]
        output = network.forward(network.video(seen.reshape(*indices.shape, *seen.shape[1:])))
        maps.append(channel_average(output.stages[-1]))
    return np.concatenate(maps)[:length]


def backdrop(network: Recogniser, made: Recognition, size: tuple[int, int], views: int) -> Image:
    """Everything that stands still: label, names of the views, bars. Sides are even, as H.264 wants them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = views * (size[1] + GAP) - GAP + 2 * MARGIN
    height = TITLE + LABELS + size[0] + BARS
    drawn = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(drawn)
    title = said(made, network.contract.classes)
    drawn.text(MARGIN / width, 1 - TITLE / 2 / height, title, va="center", fontsize=14, weight="bold")
    names = ["recorded", "spatial attention (blue least, red most)"]
    if views == 3:
        names.insert(1, "{}×{}: all that the model sees".format(*made.seen.shape[2:4]))
    for i, name in enumerate(names):
        x = MARGIN + i * (size[1] + GAP)
        drawn.text(x / width, 1 - (TITLE + LABELS / 2) / height, name, va="center", fontsize=9, color="#555")
    left = MARGIN / width
    axes = drawn.add_axes((left, 24 / height, 1 - 2 * left, (BARS - 48) / height))
    weights = made.output.attention[0].float().cpu().numpy()
    part = made.length / len(weights)
    lefts, full_bar = np.arange(len(weights)) * part, tallest([Row("", weights=weights)])
    weight_bars(axes, weights, full_bar, lefts, 0.985 * part, COLOURS["cstat"])
    axes.set_xlim(0, made.length)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3]
    return image[: height // 2 * 2, : width // 2 * 2].copy()


def compose(stage: Image, views: list[Images], position: float) -> Image:
    """One frame of the film; `position` 0..1 is where the line stands."""
    image = stage.copy()
    top = TITLE + LABELS
    for i, view in enumerate(views):
        left = MARGIN + i * (view.shape[1] + GAP)
        image[top : top + view.shape[0], left : left + view.shape[1]] = view
    x = MARGIN + round(position * (image.shape[1] - 2 * MARGIN - 2))
    image[top + views[0].shape[0] + 18 : -20, x : x + 2] = (200, 30, 30)
    return image
