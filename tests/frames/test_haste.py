"""What a stream leaves out, by times worked by hand: 10 packets a second, which came in time until one was late."""

from collections.abc import Iterable

from farview.frames.haste import Haste


def told(packets: Iterable[tuple[float, float, bool]]) -> list[str]:
    """Of packets (stated time, late by, keyframe): a keyframe, all others at once, or only now and then."""
    haste, made = Haste(), []
    for stated, late, keyframe in packets:
        now = 1000 + stated + late
        haste.judge(stated, keyframe, now)
        if haste.drop:
            made.append("drop")
        elif haste.skip and not keyframe:
            made.append("skip")
        else:
            made.append("give")
            haste.gave(stated, 1000 + stated, now)
    return made


def test_frequent_keyframes_alone_until_one_is_in_time() -> None:
    packets = [(n / 10, 1.5 if 24 <= n < 35 else 0.0, n % 10 == 0) for n in range(50)]
    made = told(packets)
    assert made[:24] == ["give"] * 24 and made[40:] == ["give"] * 10
    assert made[24:40] == ["give" if n == 30 else "skip" for n in range(24, 40)]


def test_without_keyframes_it_goes_on_as_soon_as_it_has_caught_up() -> None:
    """The reader stood still for 1.65 s after packet 100; what waited meanwhile comes at once."""
    packets = [(n / 10, max(0.0, 1.65 - (n - 100) / 10) if n > 100 else 0.0, n == 0) for n in range(200)]
    made = told(packets)
    assert made[:101] == ["give"] * 101 and made[107:] == ["give"] * 93
    assert made[101] == "give" and set(made[102:107]) == {"drop"}


def test_who_stays_late_is_shown_a_frame_a_second() -> None:
    """As of a camera that stood still itself, whose times know nothing of it."""
    made = told([(n / 10, 3.0 if n > 100 else 0.0, n == 0) for n in range(200)])
    assert [n for n in range(101, 200) if made[n] == "give"] == list(range(101, 200, 10))


def test_times_that_begin_anew_are_not_late() -> None:
    stated = [n / 10 for n in range(100)] + [n / 10 - 3600 for n in range(100)]
    haste = Haste()
    for n, moment in enumerate(stated):
        haste.judge(moment, n == 0, n / 10)
        assert haste.behind < 1e-6 and not haste.skip and not haste.drop
        haste.gave(moment, n / 10, n / 10)


def test_nothing_is_left_out_where_nobody_tells_how_late_it_is() -> None:
    haste = Haste()
    for n in range(100):
        haste.judge(n / 10, n % 10 == 0, float(n))
        assert not haste.skip and not haste.drop
        haste.gave(n / 10, None, float(n))
