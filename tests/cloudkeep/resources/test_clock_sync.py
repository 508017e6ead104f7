"""Hosts with different clocks use the same time for leases."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from cloudkeep.resources import clock_sync
from cloudkeep.resources.clock_sync import synchronized_clock
from services.core import clock
from storage.redis.connection import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.support.waiting import eventually

OFF = timedelta(minutes=7)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    clock.set_ahead(timedelta(0))


class WrongClock:
    """A wrong clock, in place of :class:`datetime.datetime`."""

    off = OFF
    fromtimestamp = datetime.fromtimestamp

    @classmethod
    def now(cls, zone: tzinfo) -> datetime:
        return datetime.now(zone) + cls.off


async def test_a_host_with_a_wrong_clock_uses_the_clock_of_redis(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(clock, "datetime", WrongClock)
    monkeypatch.setattr(clock_sync, "datetime", WrongClock)
    monkeypatch.setattr(clock_sync, "PERIOD_SECONDS", 0.01)
    redis = connect_redis(redis_url)
    async with synchronized_clock(redis):
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
        assert caplog.messages == ["this host's clock differs by +420.0 s from Redis' clock, which is used instead"]
        # The clock is corrected.
        monkeypatch.setattr(WrongClock, "off", timedelta(0))

        async def right_again() -> bool:
            return abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)

        await eventually(right_again)
    await close_redis(redis)


async def test_a_clock_is_not_changed_if_it_is_right_or_cannot_be_compared(
    valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    redis = connect_redis(valkey.url)
    async with synchronized_clock(redis):
        pass
    valkey.kill()
    await valkey.wait()
    async with synchronized_clock(redis):
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert caplog.messages == []
    await close_redis(redis)
