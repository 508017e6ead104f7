"""Redis behind sentinels: all clients find the master, and the next one after a failover."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import pytest

from storage.budgets.subscription_leases import SubscriptionLeaseStore
from storage.jobs.job_notifications import JobNotifications
from storage.progress_stream import RedisEventLog, Subscription
from storage.redis.client import close_redis, connect_redis
from storage.redis.connection import RedisUnavailable
from storage.token_buckets import Bucket, BucketsUnavailable, RedisBuckets
from tests.support.backends.certificates import Certificates
from tests.support.backends.sentinels import SENTINEL_PASSWORD, SERVICE, Group, sentinel_group
from tests.support.faults.hanging import hanging
from tests.support.faults.tcp_tunnel import tls_tunnel_to
from tests.support.process import free_port
from tests.support.waiting import eventually

T = TypeVar("T")

#: Seconds, on a busy machine.
TIMEOUT = 60.0
BUCKET = Bucket("{test}:bucket", 1_000, 0.0)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("token_buckets.redis", "progress_stream.redis", "jobs.job_notifications"):
        monkeypatch.setattr(f"storage.{module}.RETRY_SECONDS", 0.05)


@pytest.fixture(autouse=True)
def _no_password_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert not [record for record in caplog.get_records("call") if "nobody-should-see" in record.getMessage()]


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[Group]:
    """A master, a replica and one sentinel."""
    async with sentinel_group(tmp_path / "group") as running:
        yield running


@dataclass
class Clients:
    """Everything that uses Redis, and the number of events that were published."""

    buckets: RedisBuckets
    subscription_leases: SubscriptionLeaseStore
    log: RedisEventLog
    notifications: JobNotifications
    notified: asyncio.Event
    events: Subscription
    published: int = 0

    async def take(self, cost: int) -> float:
        """Take from the bucket, and return its level."""
        return (await self.buckets.take([(BUCKET, cost)])).levels[0]

    async def publish(self) -> bool:
        """Publish the next event."""
        await self.log.publish("topic", {"number": self.published + 1})
        self.published += 1
        return True

    async def next_event(self) -> int:
        """The number of the next event that the subscriber gets."""
        event = await self.events.next_event(TIMEOUT)
        assert event
        return int(event.payload["number"])

    async def receives_notification(self) -> bool:
        """Send a notification and say whether one arrives soon: those that are sent too early may be lost."""
        self.notified.clear()
        await self.notifications.send("COMPRESS")
        await asyncio.sleep(0.05)
        return self.notified.is_set()

    async def all_work(self) -> None:
        """Return once all of them work."""
        await eventually_available(lambda: self.take(0))
        await eventually_available(self.publish)
        await eventually_available(lambda: self.subscription_leases.acquire("another owner", "lease", 10**6))
        await eventually(self.receives_notification)


async def eventually_available(call: Callable[[], Awaitable[T]]) -> T:
    async def attempt() -> T | None:
        try:
            return await call()
        except (*RedisUnavailable, BucketsUnavailable):
            return None

    return await eventually(attempt)


@asynccontextmanager
async def open_buckets(url: str, call_seconds: float = TIMEOUT) -> AsyncIterator[RedisBuckets]:
    buckets = RedisBuckets(url, call_seconds)
    await buckets.start()
    yield buckets
    await buckets.close()


@asynccontextmanager
async def clients_of(url: str, call_seconds: float = TIMEOUT) -> AsyncIterator[Clients]:
    client, notifications, notified = connect_redis(url), JobNotifications(url), asyncio.Event()
    log = RedisEventLog(client)
    await log.start()
    await notifications.start()
    listening = asyncio.create_task(notifications.listen(notified.set))
    async with open_buckets(url, call_seconds) as buckets, log.subscribe("topic") as events:
        yield Clients(buckets, SubscriptionLeaseStore(client), log, notifications, notified, events)
    listening.cancel()
    await asyncio.wait({listening})
    await notifications.close()
    await log.close()
    await close_redis(client)


async def unavailable_message(url: str, caplog: pytest.LogCaptureFixture) -> str:
    """The log message about budgets without Redis."""
    caplog.clear()
    async with open_buckets(url) as buckets:
        with pytest.raises(BucketsUnavailable):
            await buckets.take([(BUCKET, 1)])
    (message,) = [record.getMessage() for record in caplog.records if record.name == "cloudkeep.buckets"]
    return message.removeprefix("token buckets unavailable, retrying: ")


async def test_all_continues_with_the_replica_when_the_master_dies(tmp_path: Path) -> None:
    async with sentinel_group(tmp_path / "group", 3) as group:
        one_that_is_away = free_port()
        async with clients_of(group.url_by(one_that_is_away, *(each.port for each in group.sentinels))) as clients:
            await clients.all_work()
            await clients.take(400)
            assert await clients.subscription_leases.acquire("owner", "lease", 1)
            for _ in range(3):
                await clients.publish()
            await group.replicated()
            await group.lose_master()
            await clients.all_work()
            assert await clients.take(0) == 600
            assert not await clients.subscription_leases.acquire("owner", "another", 1)
            assert [await clients.next_event() for _ in range(clients.published)] == [1, 2, 3, 4, 5]


async def test_all_continues_with_the_replica_when_the_master_falls_silent(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    for timeout in (
        "redis.connection.CALL_SECONDS",
        "jobs.job_notifications.SILENCE_SECONDS",
    ):
        monkeypatch.setattr(f"storage.{timeout}", 0.5)
    monkeypatch.setattr("storage.progress_stream.redis.BLOCK_MS", 100)
    async with clients_of(group.url, call_seconds=0.5) as clients:
        await clients.all_work()
        await group.replicated()
        with hanging(group.servers[0]):
            await group.hurry()
            await clients.all_work()
        await clients.all_work()
        assert [await clients.next_event() for _ in range(clients.published)] == [1, 2, 3]


async def test_a_master_that_comes_back_as_a_replica_gets_no_connections(group: Group) -> None:
    old, new = group.servers

    async def is_replica() -> bool:
        assert not await old.connections()
        return await old.role() == "slave"

    async with clients_of(group.url) as clients:
        assert await old.connections()
        await group.lose_master()
        await clients.all_work()
        await old.start()
        await clients.all_work()
        await eventually(is_replica)
        await clients.all_work()
        assert not await old.connections()
        assert await new.role() == "master"


async def test_a_client_of_a_master_that_became_a_replica_looks_for_the_new_master(group: Group) -> None:
    async with clients_of(group.url) as clients:
        await clients.all_work()
        await clients.take(300)
        await group.swap_roles()
        await clients.all_work()
        assert await clients.take(0) == 700


async def test_idle_connections_to_the_old_master_are_not_used_again(group: Group) -> None:
    client = connect_redis(group.url)
    await asyncio.gather(*(client.incr("counter") for _ in range(20)))
    await group.swap_roles()
    with pytest.raises(RedisUnavailable):
        await client.incr("counter")
    await client.incr("counter")
    await asyncio.gather(*(client.incr("counter") for _ in range(20)))
    assert await client.get("counter") == "41"
    await close_redis(client)


@pytest.mark.parametrize("call_seconds", [TIMEOUT, 0.1])
async def test_a_sentinel_that_hangs_is_passed_over_whatever_the_callers_timeout(
    tmp_path: Path, call_seconds: float
) -> None:
    async with sentinel_group(tmp_path / "group", 2) as group:
        with hanging(group.sentinels[0]):
            async with open_buckets(group.url, call_seconds) as buckets:
                await eventually_available(lambda: buckets.take([(BUCKET, 1)]))


async def test_a_service_that_no_sentinel_knows_is_named(group: Group, caplog: pytest.LogCaptureFixture) -> None:
    port = group.sentinels[0].port
    assert await unavailable_message(group.url_by(port, service="other"), caplog) == (
        "MasterNotFound: no sentinel names a master of other: "
        f"127.0.0.1:{port} MasterNotFound: does not know the service"
    )


async def test_sentinels_that_are_all_away_are_named_with_a_reason_each(caplog: pytest.LogCaptureFixture) -> None:
    ports = free_port(), free_port()
    message = await unavailable_message(Group.url_by(*ports), caplog)
    assert message.startswith(
        f"MasterNotFound: no sentinel names a master of {SERVICE}: 127.0.0.1:{ports[0]} Connection"
    )
    assert f"; 127.0.0.1:{ports[1]} ConnectionError: Error 111" in message


async def test_a_replica_that_sentinels_name_is_reported_and_not_used(
    group: Group, caplog: pytest.LogCaptureFixture
) -> None:
    replica = group.servers[1]
    await group.watch_another(replica.port)
    assert await unavailable_message(group.url, caplog) == (
        f"ConnectionError: 127.0.0.1:{replica.port} is a replica, though the sentinels name it"
    )
    assert "cmdstat_evalsha" not in await replica.client.info("commandstats")


async def test_a_wrong_password_is_reported_and_not_shown(group: Group, caplog: pytest.LogCaptureFixture) -> None:
    port = group.sentinels[0].port
    refused = "AuthenticationError: invalid username-password pair"
    message = await unavailable_message(group.url_by(port, password="nobody-should-see-this"), caplog)
    assert message.startswith(refused)
    message = await unavailable_message(group.url.replace(SENTINEL_PASSWORD, "nobody-should-see-that"), caplog)
    assert message.startswith(f"MasterNotFound: no sentinel names a master of {SERVICE}: 127.0.0.1:{port} {refused}")


async def test_sentinels_and_the_master_are_reached_by_tls(group: Group, certificates: Certificates) -> None:
    master, sentinel = group.servers[0], group.sentinels[0]
    async with (
        tls_tunnel_to(master.port, certificates.server) as to_master,
        tls_tunnel_to(sentinel.port, certificates.server) as to_sentinel,
    ):
        await group.watch_another(to_master)
        url = group.url_by(to_sentinel).replace("redis+", "rediss+")
        async with clients_of(f"{url}&ssl_ca_certs={quote(str(certificates.authority))}") as clients:
            await clients.all_work()
