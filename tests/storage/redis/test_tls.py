"""Redis behind TLS, as at hosting providers: its certificate is checked, and the log says why it is away."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from storage.jobs.job_notifications import JobNotifications
from storage.progress_stream.redis import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from storage.token_buckets import Bucket, BucketsUnavailable, RedisBuckets
from tests.support.backends.certificates import Certificates
from tests.support.faults.tcp_tunnel import TcpTunnel, tunnel_to

BUCKET = Bucket("{test}:bucket", 1_000, 0.0)


@pytest.fixture
async def tunnel(valkey: EmbeddedValkey, certificates: Certificates) -> AsyncIterator[TcpTunnel]:
    """A Valkey behind TLS, by a certificate for 127.0.0.1."""
    async with tunnel_to(valkey, certificates.server) as postgres_tls_tunnel:
        yield postgres_tls_tunnel


@pytest.fixture
def url(tunnel: TcpTunnel, certificates: Certificates) -> str:
    """An operator's setting that trusts the authority."""
    return f"{tunnel.url}?ssl_ca_certs={quote(str(certificates.authority))}"


async def test_budgets_are_kept_over_tls(url: str) -> None:
    buckets = RedisBuckets(url, 60)
    await buckets.start()
    answers = await asyncio.gather(*(buckets.take([(BUCKET, 1)]) for _ in range(50)))
    await asyncio.sleep(0.01)  # an idle connection is looked at before it is used again
    answers.append(await buckets.take([(BUCKET, 1)]))
    await buckets.close()
    assert [answer.levels for answer in answers] == [(999 - number,) for number in range(51)]


async def test_events_and_notifications_arrive_over_tls(url: str) -> None:
    client, notifications, notified = connect_redis(url), JobNotifications(url), asyncio.Event()
    log = RedisEventLog(client)
    await log.start()
    await notifications.start()
    listening = asyncio.create_task(notifications.listen(notified.set))
    async with asyncio.timeout(30), log.subscribe("topic") as events:
        await log.publish("topic", {"percent": 1})
        event = await events.next_event(30)
        await notifications.send("COMPRESS")
        await notified.wait()
    listening.cancel()
    await asyncio.wait({listening})
    await notifications.close()
    await log.close()
    await close_redis(client)
    assert event
    assert event.payload == {"percent": 1}


@pytest.mark.parametrize(
    ("trusting", "host", "reason"),
    [(False, "127.0.0.1", "certificate verify failed"), (True, "localhost", "Hostname mismatch")],
)
async def test_the_log_says_why_a_server_is_not_trusted(
    tunnel: TcpTunnel, url: str, trusting: bool, host: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    buckets = RedisBuckets((url if trusting else tunnel.url).replace("127.0.0.1", host), 60)
    await buckets.start()
    with pytest.raises(BucketsUnavailable):
        await buckets.take([(BUCKET, 1)])
    await buckets.close()
    assert reason in caplog.text
