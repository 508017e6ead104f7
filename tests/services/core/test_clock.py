"""The time of the database, and the corrected time of this host."""

from datetime import UTC, datetime, timedelta

import pytest

from services.core import clock
from services.core.clock import HOLD_SECONDS, JUMP, LARGEST_CORRECTION, DatabaseClock
from tests.support.clock import Clocks

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


@pytest.mark.parametrize("jump", [DAYS, -DAYS])
def test_a_jump_is_not_followed_for_an_hour_and_then_it_is(jump: timedelta) -> None:
    database = DatabaseClock()
    assert not database.read(START, 0.0)
    assert database.read(START + jump + 60 * SECOND, 60.0) == jump
    assert database.read(START + jump + HOLD_SECONDS * SECOND, HOLD_SECONDS) == jump
    assert not database.read(START + jump + 2 * HOLD_SECONDS * SECOND, 2 * HOLD_SECONDS)
    assert not database.read(START + jump + (2 * HOLD_SECONDS + 60) * SECOND, 2 * HOLD_SECONDS + 60)


def test_a_clock_that_jumps_and_jumps_back_has_changed_nothing() -> None:
    database = DatabaseClock()
    for at, jump in ((0.0, 0), (60.0, 1), (120.0, 0), (2 * HOLD_SECONDS, 1), (2 * HOLD_SECONDS + 60, 0)):
        assert database.read(START + at * SECOND + jump * DAYS, at) == jump * DAYS


def test_a_clock_that_is_corrected_by_minutes_is_followed_at_once(clocks: Clocks) -> None:
    read(START)
    read(START + JUMP - 10 * SECOND)
    assert is_about(clock.now(), START + JUMP)
