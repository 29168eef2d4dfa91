"""Fitting the sensor model to a coarse recording and an HR recording of the same scene at the same time.

Time offset, affine view, gain and offset are nuisances: found together with the blur, by robust least squares.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from farview.errors import FarviewError
from farview.frames.sensor_align import PATIENCE, Recording, common, offset, rough_view, spread
from farview.frames.sensor_noise import LEAST, Floats, Mask, Noise, noise_of
from farview.frames.sensor_pool import mean_variance
from farview.frames.sensor_solve import BLOCKS, line, moves, robust_scale, slopes
from farview.frames.sensor_tone import Tone, tone_of, unclipped
from farview.frames.sensor_view import Geometry, View

FRAMES = 60
"""Coarse frames from which view and blur are fitted, evenly over the recording."""

_STEPS = np.array([0.02, 0.01, 0.01, 0.01, 0.01, 0.06, 0.06, 0.25])  # of slopes; OpenCV moves by 1/32 pixel
_MOVES = 0.1  # correlation of changes, from which on something moves
_CHUNK = 64


@dataclass(frozen=True)
class Pair:
    """A coarse recording fitted to an HR recording."""

    coarse: str
    hr: str
    frames: int
    """Coarse frames that were taken while both ran."""
    variance: float
    """Square of the blur, eLR pixels."""
    draws: Floats
    """Bootstrap of `variance`, `sensor_solve.DRAWS` of them; may be below 0."""
    view: View
    later: float
    """Seconds after the HR recording's start at which the coarse one starts."""
    timed: bool
    """Whether enough moves to tell that; 0 where not."""
    tone: Tone
    explained: float
    """Share of the coarse frames' variance, over space and time, that the fit explains."""
    residual: float
    """Root mean square of what it does not explain, grey levels."""
    noise: Noise | None
    """None where the recording is too short, or clipped."""
    shown: tuple[Floats, Floats]
    """A coarse frame and its fit, (h, w, C)."""
    rates: str
    """Which frame rates must be true for this to be; empty where the recordings state theirs."""


def fit_pair(coarse: Recording, hr: Recording, geometry: Geometry, rng: np.random.Generator) -> Pair:
    """Raises FarviewError where the recordings do not show the same scene at the same time."""
    from scipy.optimize import least_squares

    names = f"{coarse.name} and {hr.name}"
    if len(coarse.frames) < BLOCKS:
        raise _too_few(names, len(coarse.frames))
    later, certain = _offset(coarse, hr, geometry, View())
    view, score = rough_view(coarse, hr, geometry, later)
    again, certain = _offset(coarse, hr, geometry, view)  # the offset needs the view, and the view the offset
    if abs(again - later) > 0.1:
        view, score = rough_view(coarse, hr, geometry, again)
    later, timed = again, certain > _MOVES
    if score < 0.5:
        raise _another_scene(coarse, hr, score)
    chosen = spread(common(coarse, hr, later), FRAMES)
    if len(chosen) < BLOCKS:
        raise _too_few(names, len(chosen))
    target = coarse.grey(chosen).astype(float)
    step = float(np.median(np.diff(hr.times))) if timed else 0.0

    def predict(x: Floats) -> Floats:
        between = hr.at(coarse.times[chosen] + later + step * x[7], hr.grey)
        return geometry.degrade(geometry.look(between, _view(x))[0], x[0])

    x = np.array([0.16, *view.turn, *view.shift, 0.0])
    reach = np.array([9.0, *[0.6] * 4, *[max(geometry.elr)] * 2, 3.0])
    low = np.concatenate([[0.0], -reach[1:]])
    for _ in range(2):  # which pixels count, and how much they err, is seen better the second time
        weight = _weight(geometry, x, predict(x), target, names)
        scale = robust_scale(predict(x), target, weight)

        def errors(x: Floats, weight: Floats = weight, scale: float = scale) -> Floats:
            expected = predict(x)
            gain, base = line(expected, target, weight)
            return ((target - gain * expected - base) * weight).ravel() / scale

        def jacobian(x: Floats, errors: Callable[[Floats], Floats] = errors) -> Floats:
            return slopes(errors, x, _STEPS, low, reach)

        x = least_squares(
            errors,
            x,
            jacobian,
            (low, reach),
            x_scale=5 * _STEPS,
            loss="soft_l1",
            xtol=1e-4,
            ftol=1e-5,
            max_nfev=30,
        ).x
    slope = jacobian(x)[:, : 8 if timed else 7]
    draws = x[0] + moves(errors(x), slope, target.shape, rng)[:, 0]
    pair = _finish(coarse, hr, geometry, x, later + step * x[7], timed, draws)
    # Noise keeps the fit of the right scene from explaining all; that of another scene misses by more than noise.
    noise = 0.0 if pair.noise is None else mean_variance([pair.noise])
    total = pair.residual**2 / max(1 - pair.explained, 1e-9)
    if pair.residual**2 - noise > 0.3 * (total - noise):
        raise _another_scene(coarse, hr, max(pair.explained, 0) ** 0.5)
    return pair


def _offset(coarse: Recording, hr: Recording, geometry: Geometry, view: View) -> tuple[float, float]:
    """`offset`, 0 where too little moves to tell."""
    later, certain = offset(coarse, hr, geometry, view)
    return (later if certain > _MOVES else 0.0), certain


def _another_scene(coarse: Recording, hr: Recording, score: float) -> FarviewError:
    return FarviewError(
        f"{coarse.name} and {hr.name}: do not show the same scene at the same time (best correlation {score:.2f}); "
        f"give both in the same order, upright, started within {PATIENCE:.0f} s of each other{_rates(coarse, hr)}"
    )


def _rates(coarse: Recording, hr: Recording) -> str:
    """What to ask where times may be wrong: empty where both recordings state theirs."""
    taken = [
        f"{option} {recording.assumed:g} for {recording.name}"
        for option, recording in (("--rate", coarse), ("--hr-rate", hr))
        if recording.assumed is not None
    ]
    return f"; no frame rate is stated, so {' and '.join(taken)} must be true" if taken else ""


def _too_few(names: str, count: int) -> FarviewError:
    frames = "1 frame was" if count == 1 else f"{count} frames were"
    return FarviewError(f"{names}: only {frames} taken while both ran; record 10 s or more")


def _view(x: Floats) -> View:
    return View(tuple(map(float, x[1:5])), tuple(map(float, x[5:7])))  # type: ignore[arg-type]


def _covered(geometry: Geometry, x: Floats) -> Mask:
    """Pixels (h, w) of whose light the HR frames show 98 %."""
    inside = geometry.look(np.zeros((1, *geometry.kept), np.float32), _view(x))[1]
    return geometry.degrade(inside, x[0]) >= 0.98


def _weight(geometry: Geometry, x: Floats, expected: Floats, target: Floats, names: str) -> Floats:
    """1 where a pixel is covered and not clipped, by what is expected of it, (N, h, w). Raises where little is left."""
    covered = _covered(geometry, x)
    gain, base = line(expected, target, np.broadcast_to(covered, target.shape))
    fitted = gain * expected + base
    weight = covered & unclipped(fitted[..., None])
    if weight.mean() < 0.15:
        raise FarviewError(
            f"{names}: hardly a pixel is both within the HR frames and not black or white; let the HR camera see "
            "more than the coarse one, and expose both so that little is clipped"
        )
    return weight.astype(float)


def _finish(
    coarse: Recording, hr: Recording, geometry: Geometry, x: Floats, later: float, timed: bool, draws: Floats
) -> Pair:
    """The fit over all frames and channels."""
    numbers = common(coarse, hr, later)
    target = coarse.frames[numbers].astype(float)
    view, covered = _view(x), _covered(geometry, x)
    parts = []
    for start in range(0, len(numbers), _CHUNK):
        kept = hr.at(coarse.times[numbers[start : start + _CHUNK]] + later, hr.frames.__getitem__)
        seen = [geometry.look(np.ascontiguousarray(channel), view)[0] for channel in np.moveaxis(kept, 3, 0)]
        parts.append(np.stack([geometry.degrade(channel, x[0]) for channel in seen], axis=3))
    expected = np.concatenate(parts)  # (T, h, w, HR channels)
    tone = tone_of(expected, target, covered)
    fitted = tone.of(expected)
    counts = covered & unclipped(fitted)
    error = target - fitted
    residual = float(np.sqrt((error[counts] ** 2).mean()))
    explained = 1 - residual**2 / max(float(target[counts].var(0).mean()), 1e-9)
    usable = np.broadcast_to(counts[..., None], error.shape)
    noise = noise_of(error, target.mean(0), usable, fitted) if len(error) >= LEAST else None
    middle = len(target) // 2
    shown = target[middle], fitted[middle]
    return Pair(
        coarse.name,
        hr.name,
        len(target),
        float(x[0]),
        draws,
        view,
        later,
        timed,
        tone,
        explained,
        residual,
        noise,
        shown,
        _rates(coarse, hr),
    )
