"""Bodies obey anatomy and gravity: hand-checked kinematics."""

import numpy as np
import pytest

from farview.data.mime import ACTIONS, body
from farview.data.mime.actions import gait
from farview.data.mime.body import Person, draw_person, skeleton, two_bones
from farview.data.mime.camera import Camera
from farview.data.mime.motion import Floats, Motion, Style, keyframes, minimum_jerk, standing

TIME = np.arange(0.0, 2.6, 1.0 / 32.0)
SIDES = (0, body.SIDE)


def perform(action: str, seed: int = 0) -> tuple[Motion, Floats, Person]:
    rng = np.random.default_rng(seed)
    person = draw_person(rng)
    style = Style(length=float(TIME[-1]), tempo=1.0, size=1.0, lead=seed % 2)
    motion = ACTIONS[action](TIME, style, rng)
    return motion, skeleton(motion, person), person


def test_minimum_jerk_is_smooth_and_half_way_in_the_middle() -> None:
    phase = np.array([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0])
    expected = [0.0, 0.0, 0.103515625, 0.5, 0.896484375, 1.0, 1.0]  # 10 s^3 - 15 s^4 + 6 s^5
    np.testing.assert_allclose(minimum_jerk(phase), expected, atol=1e-12)
    fine = minimum_jerk(np.linspace(0.0, 1.0, 1001))
    speed, acceleration = np.gradient(fine, 1e-3), np.gradient(np.gradient(fine, 1e-3), 1e-3)
    assert abs(speed[[0, -1]]).max() < 1e-2
    assert abs(acceleration[[0, -1]]).max() < 0.1
    assert speed.max() == pytest.approx(1.875, abs=1e-3)


def test_keyframes_pass_through_their_keys_and_rest_outside() -> None:
    keys = [(0.5, (0.0, 1.0)), (1.0, (2.0, -1.0)), (2.0, (2.0, 3.0))]
    way = keyframes(np.array([0.0, 0.5, 0.75, 1.0, 2.0, 9.0]), keys)
    np.testing.assert_allclose(way, [[0, 1], [0, 1], [1, 0], [2, -1], [2, 3], [2, 3]], atol=1e-12)


def test_two_bones_reach_what_they_can() -> None:
    start = np.zeros((2, 3))
    target = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, -9.0]])
    middle, end = two_bones(start, target, 0.625, 0.625, (1.0, 0.0, 0.0))
    np.testing.assert_allclose(middle[0], [0.375, 0.0, -0.5], atol=1e-12)  # a 3-4-5 triangle
    np.testing.assert_allclose(end[0], target[0], atol=1e-12)
    np.testing.assert_allclose(end[1], [0.0, 0.0, -1.25], atol=2e-3)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bones_keep_their_lengths(action: str, seed: int) -> None:
    _, joints, person = perform(action, seed)
    bones = {
        (body.PELVIS, body.NECK): person.trunk,
        (body.NECK, body.HEAD): 0.045 + person.head,
        (body.SHOULDER, body.SHOULDER + body.SIDE): 2.0 * person.shoulders,
        (body.HIP, body.HIP + body.SIDE): 2.0 * person.hips,
    }
    for side in SIDES:
        bones[body.SHOULDER + side, body.ELBOW + side] = person.upper_arm
        bones[body.ELBOW + side, body.HAND + side] = person.forearm
        bones[body.HIP + side, body.KNEE + side] = person.thigh
        bones[body.KNEE + side, body.ANKLE + side] = person.shin
        bones[body.ANKLE + side, body.TOE + side] = person.foot
    for (a, b), length in bones.items():
        np.testing.assert_allclose(np.linalg.norm(joints[:, a] - joints[:, b], axis=1), length, rtol=1e-9)


@pytest.mark.parametrize("action", ACTIONS)
def test_movement_is_smooth(action: str) -> None:
    """No joint jumps: at 32 moments a second none goes faster than 11 body heights (19 m) a second."""
    _, joints, _ = perform(action)
    assert np.linalg.norm(np.diff(joints, axis=0), axis=2).max() < 11.0 / 32.0


@pytest.mark.parametrize("action", ["walk", "run"])
def test_feet_rest_on_the_ground_by_turns(action: str) -> None:
    motion, joints, person = perform(action)
    down = motion.feet[:, :, 2] == 0.0
    for side in range(2):
        steps = np.diff(motion.feet[:, side, 0])
        assert (
            np.abs(steps[down[:-1, side] & down[1:, side]]).max() < 1e-9
        )  # a foot on the ground does not slide
        assert steps[~down[:-1, side] & ~down[1:, side]].min() > 0.0
    both, none = (down.sum(axis=1) == 2).mean(), (down.sum(axis=1) == 0).mean()
    if action == "walk":
        assert both > 0.1 and none == 0.0
    else:
        assert both == 0.0 and none > 0.1
    for i, side in enumerate(SIDES):
        ankle = joints[:, body.ANKLE + side]
        beneath = down[:, i] & (np.abs(ankle[:, 0] - joints[:, body.PELVIS, 0]) < 0.1)
        assert beneath.sum() > 3
        np.testing.assert_allclose(ankle[beneath, 2], person.ankle, atol=0.02)


def test_gait_keeps_its_speed() -> None:
    motion, _ = gait(TIME, np.random.default_rng(0), speed=0.8, strides=0.9, duty=0.6, lift=0.05)
    np.testing.assert_allclose(np.diff(motion.pelvis[:, 0]) * 32.0, 0.8)
    ahead = motion.feet[:, :, 0] - motion.pelvis[:, :1]
    assert np.abs(ahead.mean()) < 0.1  # feet stay under the body
    assert np.abs(ahead).max() < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_where_bodies_end(seed: int) -> None:
    standing_height = skeleton(standing(TIME, np.random.default_rng(0)), perform("fall", seed)[2])[
        0, body.HEAD, 2
    ]
    _, fallen, _ = perform("fall", seed)
    assert fallen[0, body.HEAD, 2] > 0.8
    assert fallen[-1, [body.HEAD, body.PELVIS], 2].max() < 0.3 * standing_height
    assert fallen[-1, :, 2].min() > -0.1
    _, seated, _ = perform("sit down", seed)
    assert seated[-1, body.PELVIS, 2] == pytest.approx(0.3, abs=0.06)
    assert seated[-1, body.HEAD, 2] > 0.55
    _, bent, _ = perform("bend", seed)
    assert bent[:, body.HEAD, 2].min() < 0.75
    assert bent[-1, body.HEAD, 2] > 0.85


@pytest.mark.parametrize("seed", range(4))
def test_a_jump_leaves_the_ground_for_as_long_as_gravity_allows(seed: int) -> None:
    motion, _, _ = perform("jump", seed)
    height = motion.feet[:, :, 2].min(axis=1)
    assert height.max() > 0.05
    flight = 2.0 * np.sqrt(2.0 * height.max() / (9.81 / 1.75))
    assert (height > 0).mean() * len(TIME) / 32.0 == pytest.approx(flight, abs=0.08)


@pytest.mark.parametrize("seed", range(4))
def test_hands_meet_in_clapping_and_touch_the_head_in_drinking(seed: int) -> None:
    _, joints, person = perform("clap", seed)
    apart = np.linalg.norm(joints[:, body.HAND] - joints[:, body.HAND + body.SIDE], axis=1)
    assert apart.min() < 0.08
    assert apart[0] > 0.2
    for action in ("drink", "phone"):
        _, joints, person = perform(action, seed)
        hand = joints[:, body.HAND + (body.SIDE if seed % 2 else 0)]
        near = np.linalg.norm(hand - joints[:, body.HEAD], axis=1).min()
        assert near < 2.2 * person.head


def test_projection_by_hand() -> None:
    """Facing right: forward goes right, up goes up, the left hand is away from the camera."""
    camera = Camera(50.0, (64.0, 80.0), np.pi / 2, 0.0, 1e9, np.zeros(1), np.zeros((1, 4)))
    points = np.array([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]])
    pixels, depth, scale = camera.project(points)
    np.testing.assert_allclose(pixels[0], [[64, 80], [114, 80], [64, 30], [64, 80]], atol=1e-6)
    np.testing.assert_allclose(depth[0], [0, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(scale, 50.0)


def test_a_camera_that_follows_and_shakes() -> None:
    shake = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 0.0, np.log(2.0)], [0.0, 0.0, np.pi / 2, 0.0]])
    camera = Camera(50.0, (64.0, 80.0), 0.0, 0.0, 1e9, np.array([0.0, 5.0, 0.0]), shake)
    pixels, _, _ = camera.project(np.zeros((3, 1, 3)))
    # The second view: moved by (1 - 5, 2), then twice as large around the centre (64, 48). The third: a quarter turn.
    np.testing.assert_allclose(pixels[:, 0], [[64, 80], [56, 116], [32, 48]], atol=1e-6)
