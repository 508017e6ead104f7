"""The database's clock is read from time to time, and clocks that are wrong are reported."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloudkeep.resources import clock_file, clock_sync
from cloudkeep.resources.clock_sync import ClockWatch, synchronized_clock
from services.core import clock
from tests.support.clock import Clocks
from tests.support.waiting import eventually

DAYS = timedelta(days=8)


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.levelname for record in caplog.records if record.name == "cloudkeep.clock"]
    caplog.clear()
    return found


def is_right(moment: datetime) -> bool:
    return abs(moment - datetime.now(UTC)) < timedelta(minutes=2)


@pytest.mark.parametrize("off", [DAYS, -DAYS])
async def test_a_host_with_a_wrong_clock_has_the_time_of_the_database(
    tmp_path: Path, database: str, clocks: Clocks, off: timedelta
) -> None:
    clocks.host = off
    async with synchronized_clock(tmp_path / clock_file.NAME):
        assert is_right(clock.now())
        assert not is_right(clock.host_now())
    assert not is_right(clock.now())


async def test_a_wrong_clock_is_an_error_once_until_it_is_right_again(
    tmp_path: Path, database: str, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ClockWatch(tmp_path / clock_file.NAME)
    await watch.compare()
    assert levels(caplog) == []
    clocks.host = timedelta(minutes=7)
    for expected in (["ERROR"], []):
        await watch.compare()
        assert levels(caplog) == expected
    clocks.host = timedelta(0)
    for expected in (["WARNING"], []):
        await watch.compare()
        assert levels(caplog) == expected


async def test_a_jump_of_the_databases_clock_is_an_error_and_changes_no_time_for_an_hour(
    tmp_path: Path, database: str, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ClockWatch(tmp_path / clock_file.NAME)
    await watch.compare()
    clocks.database = clocks.host = DAYS
    await watch.compare()
    # The jump, and the host's difference from the time that is kept.
    assert levels(caplog) == ["ERROR", "ERROR"]
    assert is_right(clock.now())
    clocks.database = clocks.host = timedelta(0)
    await watch.compare()
    assert levels(caplog) == ["WARNING", "WARNING"]
    assert is_right(clock.now())


async def test_a_process_that_starts_during_a_jump_does_not_follow_it_either(
    database: str, clocks: Clocks, tmp_path: Path
) -> None:
    file = tmp_path / clock_file.NAME
    async with synchronized_clock(file):
        clocks.database = clocks.host = DAYS
        await ClockWatch(file).compare()
    assert not is_right(clock.now())
    async with synchronized_clock(file):
        assert is_right(clock.now())
        clocks.passed = timedelta(seconds=clock.HOLD_SECONDS)
        await ClockWatch(file).compare()
    async with synchronized_clock(file):
        assert not is_right(clock.now())


async def test_a_reading_during_which_the_process_was_paused_is_not_used(
    tmp_path: Path, database: str, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = ClockWatch(tmp_path / clock_file.NAME)
    await watch.compare()

    async def paused() -> datetime:
        moment = datetime.now(UTC)
        clocks.passed = timedelta(minutes=5)
        return moment

    monkeypatch.setattr(clock_sync, "database_time", paused)
    await watch.compare()
    assert abs(clock.difference()) < timedelta(minutes=1)


async def test_the_clock_is_read_again_and_again(
    tmp_path: Path, database: str, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_sync, "PERIOD_SECONDS", 0.01)
    async with synchronized_clock(tmp_path / clock_file.NAME):
        clocks.database = timedelta(minutes=5)

        async def followed() -> bool:
            return clock.difference() < timedelta(minutes=-4)

        await eventually(followed)
