"""The time of the database, and the corrected time of this host."""

from datetime import UTC, datetime, timedelta

import pytest

from services.core import clock
from services.core.clock import HOLD_SECONDS, JUMP, LARGEST_CORRECTION, SETTLED_SECONDS, DatabaseClock
from tests.support.clock import ZERO, Clocks

SECOND = timedelta(seconds=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = timedelta(days=8)


def read(moment: datetime) -> None:
    clock.DATABASE.read(moment, clock.elapsed())


def is_about(found: datetime, expected: datetime) -> bool:
    return abs(found - expected) < timedelta(minutes=2)


@pytest.mark.parametrize("off", [DAYS, -DAYS, 7 * timedelta(minutes=1)])
def test_the_time_is_the_databases_whatever_the_host_shows(clocks: Clocks, off: timedelta) -> None:
    clocks.host = off
    read(datetime.now(UTC))
    assert is_about(clock.now(), datetime.now(UTC))
    clocks.host = -off
    assert is_about(clock.now(), datetime.now(UTC))


def test_the_time_goes_on_between_two_readings(clocks: Clocks) -> None:
    read(START)
    clocks.passed = timedelta(hours=5)
    assert is_about(clock.now(), START + timedelta(hours=5))


def test_without_a_database_the_time_is_the_hosts(clocks: Clocks) -> None:
    clocks.host = DAYS
    assert is_about(clock.now(), datetime.now(UTC) + DAYS)


@pytest.mark.parametrize("off", [timedelta(minutes=9), timedelta(minutes=-9)])
def test_a_host_that_is_minutes_off_is_corrected(clocks: Clocks, off: timedelta) -> None:
    clocks.host = off
    read(datetime.now(UTC))
    assert is_about(clock.host_now(), datetime.now(UTC))


@pytest.mark.parametrize("off", [DAYS, -DAYS, LARGEST_CORRECTION + 10 * SECOND])
def test_a_host_that_is_further_off_is_not_corrected(clocks: Clocks, off: timedelta) -> None:
    clocks.host = off
    read(datetime.now(UTC))
    assert is_about(clock.host_now(), datetime.now(UTC) + off)
    assert is_about(datetime.now(UTC) + clock.difference(), datetime.now(UTC) + off)


def read_at(database: DatabaseClock, at: float, jump: timedelta = ZERO) -> timedelta:
    """Read a clock that jumped, ``at`` seconds after the host had settled."""
    return database.read(START + at * SECOND + jump, SETTLED_SECONDS + at)


@pytest.mark.parametrize("jump", [DAYS, -DAYS])
def test_a_jump_is_not_followed_for_an_hour_and_then_it_is(jump: timedelta) -> None:
    database = DatabaseClock()
    assert not read_at(database, 0.0)
    assert read_at(database, 60.0, jump) == jump
    assert read_at(database, HOLD_SECONDS, jump) == jump
    assert not read_at(database, 2 * HOLD_SECONDS, jump)
    assert not read_at(database, 2 * HOLD_SECONDS + 60, jump)


def test_a_clock_that_jumps_and_jumps_back_has_changed_nothing() -> None:
    database = DatabaseClock()
    for at, jump in ((0.0, 0), (60.0, 1), (120.0, 0), (2 * HOLD_SECONDS, 1), (2 * HOLD_SECONDS + 60, 0)):
        assert read_at(database, at, jump * DAYS) == jump * DAYS


@pytest.mark.parametrize("jump", [30 * DAYS, -DAYS])
def test_a_clock_that_is_set_soon_after_the_host_started_is_followed_at_once(jump: timedelta) -> None:
    """A small computer was off for months, and gets the time from the network when a server runs already."""
    database = DatabaseClock()
    assert not database.read(START, 15.0)
    assert not database.read(START + jump + 60 * SECOND, 75.0)
    assert read_at(database, 0.0)


def test_a_clock_that_is_corrected_by_minutes_is_followed_at_once(clocks: Clocks) -> None:
    read(START)
    read(START + JUMP - 10 * SECOND)
    assert is_about(clock.now(), START + JUMP)
