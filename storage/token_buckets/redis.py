"""Token buckets in Redis 7 or newer, or Valkey, for all processes together.

A process has one call in flight at a time. Claims that arrive meanwhile wait and share the next call, so a busy process
needs one round trip for many claims. A single claim is sent at once.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any

from redis.asyncio import ConnectionPool
from redis.exceptions import NoScriptError

from storage.errors import in_one_line
from storage.redis.breaker import Breaker
from storage.redis.connection import NO_SOCKET_TIMEOUT, RedisUnavailable, in_time, pool_options
from storage.token_buckets.base import Bucket, BucketsOverloaded, BucketsUnavailable, Claim, ClaimResult
from storage.token_buckets.batch import SCRIPT, Batch, Request

logger = logging.getLogger("cloudkeep.buckets")

#: Claims in one call: the server does nothing else for about a tenth of a millisecond.
MAX_CLAIMS = 128
#: Buckets that one call refunds.
MAX_REFUNDS = 256
#: Claims that may wait: 32 calls, which take tens of milliseconds.
MAX_WAITING = 4096
#: Buckets with a pending refund. More are dropped, which happens in an outage only.
MAX_PENDING_REFUNDS = 10_000
#: Between two attempts while the server is away.
RETRY_SECONDS = 1.0
#: Seconds that a refund waits to be sent with a claim.
REFUND_SECONDS = 0.05

#: A call that takes nothing, to check that the server runs the script.
PROBE = ((Bucket("cloudkeep:{budget}:probe", 1, 1.0), 0),)


class RedisBuckets:
    """A :class:`storage.token_buckets.base.BucketStore`. ``start`` before the first claim, ``close`` at the end.

    While the server is away, every claim is refused at once with :class:`BucketsUnavailable`; a background task
    reconnects. A server that does not answer within ``call_seconds`` is away.
    """

    def __init__(self, url: str, call_seconds: float, breaker: Breaker | None = None) -> None:
        """``breaker`` is that of the other connections to this server: it opens when the server is away."""
        self._breaker = breaker
        self._call_seconds = call_seconds
        place, options = pool_options(url)
        # Untyped in redis-py. RESP2, because the server sends no unsolicited messages with it.
        pool: Any = ConnectionPool.from_url(
            place, protocol=2, socket_connect_timeout=None, **NO_SOCKET_TIMEOUT, **options
        )
        self._connection: Any = pool.make_connection()
        self._script = b""
        self._waiting: deque[Request] = deque()
        self._refunds: dict[str, tuple[Bucket, int]] = {}
        self._due: asyncio.TimerHandle | None = None
        self._work = asyncio.Event()
        self._away = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, or start to retry."""
        try:
            await self._connect()
        except RedisUnavailable as error:
            self._set_away(error)
            await self._disconnect()
        self._task = asyncio.create_task(self._run(), name="buckets")

    async def close(self) -> None:
        """Disconnect. Pending refunds are sent first, unless the server is away."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._refuse_waiting()
        if self._due:
            self._due.cancel()
        with suppress(*RedisUnavailable):
            while self._refunds and not self._away:
                await self._call(self._next_batch())
        await self._disconnect()

    async def take(self, claim: Claim) -> ClaimResult:
        """See :class:`storage.token_buckets.base.BucketStore`."""
        if not claim:
            return ClaimResult(True, ())
        if self._away:
            raise BucketsUnavailable
        if len(self._waiting) >= MAX_WAITING:
            raise BucketsOverloaded
        result: asyncio.Future[ClaimResult] = asyncio.get_running_loop().create_future()
        self._waiting.append(Request(claim, result))
        self._work.set()
        try:
            return await result
        except asyncio.CancelledError:
            # Cancelled after the result came, but before the caller was resumed.
            if not (result.cancelled() or result.exception()) and result.result().granted:
                self.refund(claim)
            raise

    def refund(self, claim: Claim) -> None:
        """See :class:`storage.token_buckets.base.BucketStore`. It is sent with the next claim, or soon by itself."""
        for bucket, amount in claim:
            pending = self._refunds.get(bucket.key)
            if pending is None and len(self._refunds) >= MAX_PENDING_REFUNDS:
                continue
            self._refunds[bucket.key] = (bucket, amount + (pending[1] if pending else 0))
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(REFUND_SECONDS, self._send_refunds)

    def _send_refunds(self) -> None:
        self._due = None
        if self._refunds:
            self._work.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._connect()
                await self._serve()
            except Exception as error:
                # Any error is retried: without this task, every claim of this process would wait without end.
                self._set_away(error)
                await self._disconnect()
                await asyncio.sleep(RETRY_SECONDS)

    async def _serve(self) -> None:
        while True:
            await self._work.wait()
            if not self._connection.is_connected or await self._connection.can_read():
                # Closed while it was idle, so nothing that was sent can be lost.
                await self._disconnect()
                return
            self._work.clear()
            batch = self._next_batch()
            if not batch.is_empty:
                await self._run_batch(batch)
            if self._waiting or (self._refunds and self._due is None):
                self._work.set()

    def _next_batch(self) -> Batch:
        requests: list[Request] = []
        while self._waiting and len(requests) < MAX_CLAIMS:
            request = self._waiting.popleft()
            if not request.result.done():
                requests.append(request)
        refunds = list(islice(self._refunds.values(), MAX_REFUNDS))
        for bucket, _ in refunds:
            del self._refunds[bucket.key]
        return Batch(requests, refunds)

    async def _run_batch(self, batch: Batch) -> None:
        try:
            for request, result in batch.results(await self._call(batch)):
                if not request.result.done():
                    request.result.set_result(result)
                elif result.granted:
                    self.refund(request.claim)
        except BaseException:
            # It is unknown whether the server has run it, so nothing of it is retried or refunded.
            _refuse(batch.requests)
            raise

    async def _call(self, batch: Batch) -> bytes:
        async with in_time(self._call_seconds):
            try:
                return await self._send_command(batch.command(self._script))
            except NoScriptError:
                await self._load_script()
                return await self._send_command(batch.command(self._script))

    async def _send_command(self, command: bytes) -> bytes:
        await self._connection.send_packed_command([command], check_health=False)
        return bytes(await self._connection.read_response(disable_decoding=True))

    async def _connect(self) -> None:
        if self._connection.is_connected:
            return
        async with in_time(self._call_seconds):
            await self._connection.connect()
            await self._load_script()
        await self._call(Batch([], PROBE))
        if self._away:
            self._away = False
            logger.warning("token buckets are back")

    async def _load_script(self) -> None:
        await self._connection.send_command("SCRIPT", "LOAD", SCRIPT, check_health=False)
        self._script = bytes(await self._connection.read_response(disable_decoding=True))

    async def _disconnect(self) -> None:
        with suppress(*RedisUnavailable):
            await self._connection.disconnect(nowait=True)

    def _set_away(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            if self._breaker:
                # So that a request which has waited for its budget does not wait a second time.
                self._breaker.trip(error)
            logger.warning("token buckets unavailable, retrying: %s", in_one_line(error))
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        _refuse(self._waiting)
        self._waiting.clear()


def _refuse(requests: Iterable[Request]) -> None:
    for request in requests:
        if not request.result.done():
            request.result.set_exception(BucketsUnavailable())
