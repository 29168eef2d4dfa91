"""Which test clips stand as examples, and the report's section that shows them in motion."""

from collections.abc import Sequence
from html import escape

import numpy as np

from farview.data.clip import Clip, Part
from farview.experiments.page import captioned, left_out, picture, section
from farview.experiments.pictures import animation, shrink
from farview.frames.source import Source
from farview.training.phases import Run

ANIMATED, EXAMPLES = 12, 4
"""Classes with an animation, and with pictures of attention."""
PARTS: dict[Part, str] = {"test": "test", "val": "validation", "train": "training"}
"""What the clips of a part are called."""
FRAMES = 40
"""Frames of an animation at most."""


def chosen_clips(run: Run, count: int) -> list[Clip]:
    """A test clip for each of `count` classes evenly spread over the list: for class number n its n-th clip.

    A rule, so that no clip is chosen for its looks; going through the clips shows different people. Classes
    with fewer clips start again at their first.
    """
    return one_of_each(run.clips.test, len(run.clips.data.classes), count)


def one_of_each(clips: Sequence[Clip], classes: int, count: int) -> list[Clip]:
    """`chosen_clips` among any `clips` of as many `classes`."""
    chosen = []
    for label in sorted({i * classes // count for i in range(count)}):
        own = [clip for clip in clips if clip.label == label]
        chosen += [own[label % len(own)]] if own else []
    return chosen


def rule(run: Run, count: int) -> str:
    """How `chosen_clips` came about, for the reader."""
    return rule_of(len(run.clips.data.classes), count)


def rule_of(classes: int, count: int, part: Part = "test") -> str:
    """How `one_of_each` came about among the clips of a part of the data."""
    every = count >= classes
    which = "Every class" if every else f"{count} classes, evenly spread over the list of classes"
    return f"{which}. Chosen by rule, not by looks: class number n in the list is shown by its n-th {PARTS[part]} clip."


def class_of(run: Run, clip: Clip) -> str:
    """A clip's class name."""
    assert clip.label is not None
    return run.clips.data.classes[clip.label]


def samples(run: Run) -> str:
    """Clips in motion, HR beside eLR."""
    height, width = run.recipe.input.sensor.height, run.recipe.input.sensor.width
    title = f"The clips at high resolution and at {height}×{width}"
    if not run.clips.test:
        return section(title, left_out("this run has no test clips."))
    hr = "teacher" in run.models
    shown = "".join(sample(run, clip, hr) for clip in chosen_clips(run, ANIMATED))
    left = "Left: the frames that T-Net sees. Right: all that" if hr else "All that"
    caption = (
        f"{left} S-Net and CSTAT get, {height}×{width} pixels with the camera's blur and noise, every pixel drawn as a "
        f"square. {rule(run, ANIMATED)}"
    )
    return section(title, captioned(f'<div class="clips">{shown}</div>', caption))


def sample(run: Run, clip: Clip, hr: bool) -> str:
    """One clip, animated."""
    name = class_of(run, clip)
    small = np.asarray(run.clips.store.elr(clip.source))
    step = -(-len(small) // FRAMES)
    seconds = step / frames_per_second(clip.source)
    views = []
    if hr:
        large = shrink(np.asarray(run.clips.store.hr(clip.source)[::step]), 160)
        views.append(picture(animation(large, seconds), "webp", f"{name}, HR"))
    exact = animation(small[::step], seconds, lossless=True)
    views.append(picture(exact, "webp", "{}, {}×{}".format(name, *small.shape[1:3])))
    return f'<div class="clip"><div>{"".join(views)}</div><p>{escape(name)}</p></div>'


def frames_per_second(source: Source) -> float:
    """As the recording states it; 15 where it states none."""
    with source.open() as frames:
        return frames.fps or 15.0
