"""The rate of a payer's frames in one process."""

import pytest

from services.budgets.frame_rates import BURST_SECONDS, MIN_FRAMES_PER_SECOND, FrameRate

SUBSCRIPTIONS = 100


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.moment = 1_000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("services.budgets.frame_rates.monotonic", clock)
    return clock


def rate(subscriptions: int) -> FrameRate:
    made = FrameRate()
    made.set_limit(subscriptions)
    return made


def test_frames_of_a_second_may_be_sent_at_once_and_others_wait_for_their_turn(clock: Clock) -> None:
    limited = rate(SUBSCRIPTIONS)
    delays = [limited.take() for _ in range(int(BURST_SECONDS * SUBSCRIPTIONS) + 2)]
    assert delays[:-2] == [0.0] * (len(delays) - 2)
    assert delays[-2:] == pytest.approx([1 / SUBSCRIPTIONS, 2 / SUBSCRIPTIONS])


def test_every_subscription_gets_a_frame_a_second_if_all_are_open(clock: Clock) -> None:
    limited = rate(SUBSCRIPTIONS)
    for _ in range(10):
        assert max(limited.take() for _ in range(SUBSCRIPTIONS)) == pytest.approx(0.0, abs=1e-6)
        clock.moment += 1


def test_a_quiet_time_is_not_saved_up(clock: Clock) -> None:
    limited = rate(SUBSCRIPTIONS)
    limited.take()
    clock.moment += 3_600
    delays = [limited.take() for _ in range(2 * SUBSCRIPTIONS)]
    assert max(delays) == pytest.approx(1.0)


def test_a_payer_with_few_subscriptions_gets_them_at_full_speed(clock: Clock) -> None:
    limited = rate(1)
    assert [limited.take() for _ in range(MIN_FRAMES_PER_SECOND)] == [0.0] * MIN_FRAMES_PER_SECOND
