"""The actions: what each of them makes of `standing`.

Six move the whole body; six are told apart by a hand or a foot for a moment. `ACTIONS` gives their order.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from farview.data.mime.motion import REST, Floats, Motion, Style, keyframes, minimum_jerk, standing

GRAVITY = 9.81 / 1.75  # body heights per second squared

Keys = list[tuple[float, ArrayLike]]


def onset(duration: float, style: Style, rng: np.random.Generator) -> float:
    """Random second at which something of `duration` seconds begins, within the clip if that can be."""
    return float(rng.uniform(0.1, max(0.15, style.length - duration - 0.15)))


def fidget(
    motion: Motion, time: Floats, rng: np.random.Generator, hand: int, start: float, end: float
) -> None:
    """An idle half-raised hand in the longer pause before `start` or after `end`: movement that means nothing."""
    pause = (0.0, start) if start > time[-1] - end else (end, float(time[-1]))
    if pause[1] - pause[0] < 0.5 or rng.random() < 0.3:
        return
    duration = rng.uniform(0.5, min(1.0, pause[1] - pause[0]))
    first = rng.uniform(pause[0], pause[1] - duration)
    reach = rng.uniform([0.1, -0.3, 0.1], [0.5, 0.2, 0.55])
    bump: Keys = [(first, (0, 0, 0)), (first + 0.45 * duration, reach), (first + duration, (0, 0, 0))]
    motion.hands[:, hand] += keyframes(time, bump)


def gait(
    time: Floats, rng: np.random.Generator, speed: float, strides: float, duty: float, lift: float
) -> tuple[Motion, Floats]:
    """Legs and pelvis that go forward at `speed` heights/s with `strides` a second; also the stride phase (N, 2).

    A foot rests on one spot for the share `duty` of its stride and swings to the next spot in the remainder.
    """
    motion = standing(time, rng)
    elapsed = time - time.mean()
    offset = rng.random() + np.array([0.0, 0.5])
    phase = strides * elapsed[:, None] + offset  # (N, 2)
    whole = np.floor(phase)
    within = phase - whole
    swing = np.clip((within - duty) / (1.0 - duty), 0.0, 1.0)
    stride = speed / strides
    motion.feet[:, :, 0] = stride * (whole + minimum_jerk(swing) + 0.5 * duty - offset)
    motion.feet[:, :, 1] = np.array([0.045, -0.045])
    motion.feet[:, :, 2] = lift * np.sin(np.pi * swing)
    motion.pelvis[:, 0] = speed * elapsed
    return motion, phase


def walk(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    strides = 0.88 * style.tempo * rng.uniform(0.95, 1.05)
    motion, phase = gait(time, rng, rng.uniform(0.6, 0.9) * strides, strides, duty=0.6, lift=0.06)
    cycle = np.sin(2.0 * np.pi * (phase[:, ::-1] - 0.3 + 0.25))  # an arm goes with the other leg
    motion.pelvis[:, 2] -= 0.025 + 0.012 * np.cos(4.0 * np.pi * (phase[:, 0] - 0.3 + 0.25))
    motion.trunk[:, 0] += 0.04
    motion.trunk[:, 2] += 0.10 * cycle[:, 0]
    motion.hands[:, :, 0] += 0.32 * style.size * cycle
    motion.hands[:, :, 2] += 0.05 * cycle**2
    return motion


def run(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    strides = 1.35 * style.tempo * rng.uniform(0.95, 1.05)
    motion, phase = gait(time, rng, rng.uniform(0.6, 0.95) * strides, strides, duty=0.36, lift=0.17)
    cycle = np.sin(2.0 * np.pi * (phase[:, ::-1] - 0.18 + 0.25))
    motion.pelvis[:, 2] -= 0.035 + 0.03 * np.cos(4.0 * np.pi * (phase[:, 0] - 0.18))
    motion.trunk[:, 0] += rng.uniform(0.08, 0.2)
    motion.trunk[:, 2] += 0.15 * cycle[:, 0]
    motion.hands[:, :, 0] += 0.2 + 0.35 * style.size * cycle
    motion.hands[:, :, 1] -= 0.08
    motion.hands[:, :, 2] += 0.42 + 0.15 * cycle
    return motion


def jump(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    motion = standing(time, rng)
    height = rng.uniform(0.07, 0.2) * style.size
    flight = 2.0 * np.sqrt(2.0 * height / GRAVITY)
    down = 0.32 / style.tempo
    off = onset(down + 0.1 + flight + 0.45, style, rng) + down + 0.1
    land = off + flight
    depth = -rng.uniform(0.08, 0.16)
    crouch: Keys = [(off - down - 0.1, (0,)), (off - 0.1, (depth,)), (off, (0,))]
    landing: Keys = [(land, (0,)), (land + 0.12, (depth,)), (land + 0.5, (0,))]
    bent = (keyframes(time, crouch) + keyframes(time, landing))[:, 0]
    air = 4.0 * height * np.clip((time - off) / flight, 0, 1) * np.clip((land - time) / flight, 0, 1)
    motion.pelvis[:, 2] += bent + air
    motion.feet[:, :, 2] += air[:, None]
    motion.trunk[:, 0] -= 2.5 * bent
    up = rng.uniform(0.2, 1.3) * style.size
    arms: Keys = [(off - down - 0.1, (0, 0, 0)), (off - 0.12, (-0.4, 0, 0.12)), (off + 0.1, (0.35, 0.2, up))]
    motion.hands += keyframes(time, [*arms, (land + 0.5, (0, 0, 0))])[:, None]
    return motion


def bend(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    """Reaches to the floor and comes up again."""
    motion = standing(time, rng)
    move, hold = 0.6 / style.tempo, rng.uniform(0.1, 0.4)
    start = onset(2.0 * move + hold, style, rng)
    share = keyframes(
        time,
        [(start, (0,)), (start + move, (1,)), (start + move + hold, (1,)), (start + 2 * move + hold, (0,))],
    )
    knees = rng.uniform(0.05, 0.22)
    motion.trunk[:, :1] += share * rng.uniform(0.8, 1.3) * style.size
    motion.pelvis += share * np.array([-0.1, 0.0, -knees])
    motion.hands[:, style.lead] += share * np.array([0.15, -0.1, 0.0])
    motion.hands[:, 1 - style.lead] += share * rng.uniform([0.0, 0.0, 0.0], [0.2, 0.2, 0.3])
    fidget(motion, time, rng, style.lead, start, start + 2 * move + hold)
    return motion


def sit_down(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    motion = standing(time, rng)
    move = 0.8 / style.tempo
    start = onset(move + 0.2, style, rng)
    end = start + move
    share = keyframes(time, [(start, (0,)), (end, (1,))])
    motion.pelvis += share * np.array([-0.2, 0.0, -0.23])
    lean = keyframes(
        time, [(start, (0,)), (start + 0.6 * move, (0.6,)), (end + 0.2, (rng.uniform(-0.1, 0.15),))]
    )
    motion.trunk[:, :1] += lean * style.size
    motion.hands += share[:, None] * np.array([0.35, -0.1, 0.25])
    fidget(motion, time, rng, style.lead, start, end)
    return motion


def fall(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    """Backwards, forwards or to a side; stays on the floor."""
    motion = standing(time, rng)
    move = 0.75 / style.tempo
    start = onset(move + 0.3, style, rng)
    stagger = keyframes(time, [(start, (0,)), (start + 0.5 * move, (0.25,)), (start + move, (1,))])
    way = rng.choice(["back", "front", "side"])
    side = 1.0 if style.lead == 0 else -1.0
    to, trunk, feet, hands = {
        "back": ((-0.36, 0.0, -0.42), (-1.4, 0.0, 0.3), (0.1, 0.0, 0.02), (0.5, 0.35, 0.7)),
        "front": ((0.28, 0.0, -0.43), (1.45, 0.0, 0.1), (-0.18, 0.0, 0.03), (0.75, 0.1, 0.75)),
        "side": (
            (0.0, 0.36 * side, -0.42),
            (0.25, 1.4 * side, 0.2),
            (0.05, -0.08 * side, 0.01),
            (0.4, 0.3, 0.7),
        ),
    }[str(way)]
    motion.pelvis += stagger * np.array(to)
    motion.trunk += stagger * np.array(trunk)
    motion.feet += stagger[:, None] * np.array(feet)
    flung = keyframes(time, [(start, (0, 0, 0)), (start + 0.55 * move, hands), (start + move + 0.2, hands)])
    motion.hands += flung[:, None] * rng.uniform(0.7, 1.1, (1, 2, 1))
    return motion


def kick(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    motion = standing(time, rng)
    back, hit, rest = 0.22 / style.tempo, 0.16 / style.tempo, 0.35 / style.tempo
    start = onset(back + hit + rest, style, rng)
    reach = np.array([rng.uniform(0.3, 0.42), 0.0, rng.uniform(0.12, 0.4) * style.size])
    foot: Keys = [(start, (0, 0, 0)), (start + back, (-0.2, 0, 0.12)), (start + back + hit, reach)]
    foot += [(start + back + hit + 0.06, reach), (start + back + hit + rest, (0, 0, 0))]
    path = keyframes(time, foot)
    motion.feet[:, style.lead] += path
    motion.trunk[:, 0] -= 0.5 * path[:, 0] * style.size
    motion.hands[:, 1 - style.lead, 0] += 0.8 * path[:, 0]
    motion.hands[:, style.lead, 0] -= 0.5 * path[:, 0]
    fidget(motion, time, rng, style.lead, start, start + back + hit + rest)
    return motion


def punch(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    """One to three straight blows."""
    motion = standing(time, rng)
    raise_, out, home = 0.22 / style.tempo, 0.13 / style.tempo, 0.2 / style.tempo
    blows = int(rng.integers(1, 4))
    start = onset(2 * raise_ + blows * (out + home), style, rng)
    guard = np.array([0.3, 0.02, rng.uniform(-0.35, -0.1)])
    blow = np.array([0.9 * style.size, -0.12, rng.uniform(-0.12, 0.1)])
    at = start + raise_
    keys: Keys = [(start, REST), (at, guard)]
    for _ in range(blows):
        keys += [(at + out, blow), (at + out + home, guard)]
        at += out + home
    act(motion, time, style.lead, [*keys, (at + raise_, REST)])
    both = rng.random() < 0.5
    if both:
        act(
            motion,
            time,
            1 - style.lead,
            [(start, REST), (start + raise_, guard), (at, guard), (at + raise_, REST)],
        )
    twist = motion.hands[:, style.lead, 0] * (0.35 if style.lead == 1 else -0.35)
    motion.trunk[:, 2] += twist
    fidget(motion, time, rng, style.lead, start, at + raise_)
    return motion


def wave(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    motion = standing(time, rng)
    move, hold = 0.4 / style.tempo, rng.uniform(0.6, 1.0)
    start = onset(2 * move + hold, style, rng)
    place = rng.uniform([0.15, 0.2, 0.15], [0.35, 0.5, 0.6])
    raised = held(motion, time, style.lead, place, start, move, hold)
    swing = np.sin(2.0 * np.pi * 2.2 * style.tempo * (time - start))
    motion.hands[:, style.lead, 1] += 0.22 * style.size * raised**3 * swing
    fidget(motion, time, rng, style.lead, start, start + 2 * move + hold)
    return motion


def clap(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    motion = standing(time, rng)
    move, hold = 0.35 / style.tempo, rng.uniform(0.6, 1.0)
    start = onset(2 * move + hold, style, rng)
    place = rng.uniform([0.45, -0.1, -0.4], [0.6, -0.05, -0.05])
    hertz = 2.6 * style.tempo
    for hand in (0, 1):
        raised = held(motion, time, hand, place, start, move, hold)
        apart = np.cos(2.0 * np.pi * hertz * (time - start - move))
        motion.hands[:, hand, 1] += 0.22 * style.size * raised**3 * apart
    fidget(motion, time, rng, style.lead, start, start + 2 * move + hold)
    return motion


def drink(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    motion = standing(time, rng)
    move, hold = 0.5 / style.tempo, rng.uniform(0.3, 0.9)
    start = onset(2 * move + hold, style, rng)
    raised = held(motion, time, style.lead, (0.23, -0.27, 0.2), start, move, hold)
    motion.head -= 0.3 * raised**4
    fidget(motion, time, rng, style.lead, start, start + 2 * move + hold)
    return motion


def phone(time: Floats, style: Style, rng: np.random.Generator) -> Motion:
    """Takes a telephone to the ear."""
    motion = standing(time, rng)
    move, hold = 0.5 / style.tempo, rng.uniform(0.3, 0.9)
    start = onset(2 * move + hold, style, rng)
    raised = held(motion, time, style.lead, (0.08, -0.1, 0.28), start, move, hold)
    motion.head += 0.15 * raised**4
    motion.trunk[:, 1] += 0.06 * raised * (1.0 if style.lead == 0 else -1.0)
    fidget(motion, time, rng, style.lead, start, start + 2 * move + hold)
    return motion


def act(motion: Motion, time: Floats, hand: int, keys: Keys) -> None:
    """Adds the way of a hand that leaves `REST` and comes back to it, to its idle sway."""
    motion.hands[:, hand] += keyframes(time, keys) - np.array(REST)


def held(
    motion: Motion,
    time: Floats,
    hand: int,
    place: Sequence[float] | Floats,
    start: float,
    move: float,
    hold: float,
) -> Floats:
    """Takes a hand to `place` (see `Motion.hands`) for `hold` seconds and back; how far it is raised, (N,) 0..1."""
    keys: Keys = [
        (start, (0,)),
        (start + move, (1,)),
        (start + move + hold, (1,)),
        (start + 2 * move + hold, (0,)),
    ]
    raised = keyframes(time, keys)
    motion.hands[:, hand] += raised * (np.array(place) - np.array(REST))
    # A hand goes up in front of the body, not through it.
    motion.hands[:, hand, 0] += 0.5 * (raised * (1.0 - raised))[:, 0]
    return raised[:, 0]


Action = Callable[[Floats, Style, np.random.Generator], Motion]

ACTIONS: dict[str, Action] = {
    "walk": walk,
    "run": run,
    "jump": jump,
    "bend": bend,
    "sit down": sit_down,
    "fall": fall,
    "kick": kick,
    "punch": punch,
    "wave": wave,
    "clap": clap,
    "drink": drink,
    "phone": phone,
}
"""Class name -> action, in the order of the labels."""
