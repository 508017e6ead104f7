"""The time left is not given before it means something, and then does not jump."""

import random

import pytest

from services.core.time_left import LEAST_SECONDS, LEAST_SECONDS_OF_STEPS, TimeLeft


def estimates(*samples: tuple[float, float]) -> list[float | None]:
    time_left = TimeLeft()
    return [time_left.add(moment, done) for moment, done in samples]


def steady(speed: float, until: float, step: float = 0.25) -> list[tuple[float, float]]:
    """Samples of work of which ``speed`` of the whole is done in a second."""
    return [(number * step, number * step * speed) for number in range(int(until / step) + 1)]


def test_the_first_seconds_have_no_estimate_however_quick_the_work_is() -> None:
    assert estimates(*steady(0.1, LEAST_SECONDS - 0.25)) == [None] * 12


def test_an_estimate_needs_a_part_of_the_work() -> None:
    assert set(estimates(*steady(0.001, LEAST_SECONDS_OF_STEPS - 0.25))) == {None}


def test_steady_work_has_a_true_estimate() -> None:
    assert estimates(*steady(0.01, 10))[-1] == pytest.approx(90)


def test_several_steps_of_slow_work_are_enough() -> None:
    """As chunks of a large file over a slow line."""
    *before, last = estimates(*((10.0 * number, 0.001 * number) for number in range(5)))
    assert before == [None] * 4
    assert last == pytest.approx(9_960)


def test_work_that_does_not_move_has_none() -> None:
    assert set(estimates(*((float(second), 0.5) for second in range(100)))) == {None}


def test_the_end_is_zero() -> None:
    assert estimates(*steady(0.1, 10))[-1] == 0


def test_going_back_begins_again() -> None:
    *_, known, after = estimates(*steady(0.05, 10), (10.25, 0.1))
    assert known is not None
    assert after is None


@pytest.mark.parametrize("seed", range(20))
def test_an_uneven_pace_makes_no_wild_jumps(seed: int) -> None:
    """Speeds of 0 to 4 times the mean, a sample each quarter of a second."""
    rng = random.Random(seed)
    time_left, done, last, moment = TimeLeft(), 0.0, None, 0.0
    while done < 0.9:
        moment += 0.25
        done += rng.choice((0, 0, 0, 0.001, 0.004))
        shown = time_left.add(moment, done)
        if last is not None:
            assert shown is not None
            assert 0.75 * last < shown + 0.25 < 1.25 * last
        last = shown
    assert last is not None


def test_a_change_of_pace_is_followed() -> None:
    fast = steady(0.02, 20)
    slow = [(20 + second, 0.4 + 0.002 * second) for second in range(1, 60)]
    *_, last = estimates(*fast, *slow)
    assert last == pytest.approx(0.482 / 0.002, rel=0.1)
