"""The credit of a sender: how it is used up and regained."""

import pytest

from endpoints import body_timeouts
from endpoints.body_timeouts import BodyTimeouts, ThroughputGuard


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(body_timeouts, "monotonic", clock)
    return clock


@pytest.fixture
def guard(clock: Clock) -> ThroughputGuard:
    return ThroughputGuard(BodyTimeouts(silence=30, rate=1024))


def wait(guard: ThroughputGuard, clock: Clock, seconds: float) -> None:
    with guard:
        clock.now += seconds


def test_silence_uses_up_the_credit(guard: ThroughputGuard, clock: Clock) -> None:
    wait(guard, clock, 29)
    assert guard.credit == 1
    wait(guard, clock, 2)
    assert guard.credit == 0
    assert str(guard.stalled()) == "No byte arrived for 30 seconds."


def test_what_the_server_takes_for_itself_costs_nothing(guard: ThroughputGuard, clock: Clock) -> None:
    clock.now += 3600
    assert (guard.credit, guard.silent_seconds()) == (30, 0)


def test_a_line_above_the_rate_is_waited_for_without_end(guard: ThroughputGuard, clock: Clock) -> None:
    for _ in range(1000):
        wait(guard, clock, 10)
        guard.received(10 * 2048)
    assert guard.credit == 30


def test_a_trickler_is_given_up_although_it_is_never_silent_for_long(guard: ThroughputGuard, clock: Clock) -> None:
    waits = 0
    while guard.credit:
        wait(guard, clock, 1)
        guard.received(1)
        waits += 1
    assert waits == 31
    assert "1024 bytes a second" in str(guard.stalled())


def test_a_quick_beginning_buys_no_long_end(guard: ThroughputGuard, clock: Clock) -> None:
    guard.received(2**30)
    assert guard.credit == 30


def test_a_sender_is_silent_only_while_it_is_waited_for(guard: ThroughputGuard, clock: Clock) -> None:
    with guard:
        clock.now += 5
        assert guard.silent_seconds() == 5
    assert guard.silent_seconds() == 0
