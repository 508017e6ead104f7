"""Token buckets in Redis 7 or newer, or Valkey, for all processes together.

A process has one call under way at a time. Claims that come meanwhile wait and make the next one together, so that a
busy process pays for a round trip once for many claims; a claim that comes alone is sent at once.
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
from storage.redis.connection import NO_SOCKET_TIMEOUT, RedisUnavailable, in_time, pool_options
from storage.token_buckets.base import Answer, Bucket, BucketsAway, BucketsOverloaded, Claim
from storage.token_buckets.batch import SCRIPT, Batch, Request

logger = logging.getLogger("cloudkeep.buckets")

#: Claims in one call: the server does nothing else for about a tenth of a millisecond.
MOST_CLAIMS = 128
#: Buckets to which one call gives something back.
MOST_RETURNS = 256
#: Claims that may wait: some 32 calls, tens of milliseconds.
MOST_WAITING = 4096
#: Buckets to which something is yet to be given back. More are forgotten, which can only happen in an outage.
MOST_OWED = 10_000
#: Between two tries while the server is away.
RETRY_SECONDS = 1.0
#: What is given back waits that long for a claim that takes it along.
RETURN_SECONDS = 0.05

#: A call that takes nothing, to see that the server does run the script.
PROBE = ((Bucket("cloudkeep:{budget}:probe", 1, 1.0), 0),)


class RedisBuckets:
    """A :class:`storage.token_buckets.base.BucketStore`. ``start`` before the first claim, ``close`` at the end.

    While the server is away, every claim is refused at once with :class:`BucketsAway`; it is looked for in the
    background. A server that does not answer within ``call_seconds`` is away.
    """

    def __init__(self, url: str, call_seconds: float) -> None:
        self._call_seconds = call_seconds
        place, options = pool_options(url)
        # Untyped in redis-py. Plain RESP2: nothing comes that was not asked for.
        pool: Any = ConnectionPool.from_url(
            place, protocol=2, socket_connect_timeout=None, **NO_SOCKET_TIMEOUT, **options
        )
        self._connection: Any = pool.make_connection()
        self._script = b""
        self._waiting: deque[Request] = deque()
        self._owed: dict[str, tuple[Bucket, int]] = {}
        self._due: asyncio.TimerHandle | None = None
        self._work = asyncio.Event()
        self._away = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, or begin to try again and again."""
        try:
            await self._connect()
        except RedisUnavailable as error:
            self._go_away(error)
            await self._disconnect()
        self._task = asyncio.create_task(self._run(), name="buckets")

    async def close(self) -> None:
        """Disconnect. What is owed is given back first, when the server is there."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._refuse_waiting()
        if self._due:
            self._due.cancel()
        with suppress(*RedisUnavailable):
            while self._owed and not self._away:
                await self._call(self._next_batch())
        await self._disconnect()

    async def take(self, claim: Claim) -> Answer:
        """See :class:`storage.token_buckets.base.BucketStore`."""
        if not claim:
            return Answer(True, ())
        if self._away:
            raise BucketsAway
        if len(self._waiting) >= MOST_WAITING:
            raise BucketsOverloaded
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(Request(claim, answer))
        self._work.set()
        try:
            return await answer
        except asyncio.CancelledError:
            # Cancelled after the answer came, but before its caller heard it.
            if not (answer.cancelled() or answer.exception()) and answer.result().granted:
                self.give_back(claim)
            raise

    def give_back(self, claim: Claim) -> None:
        """See :class:`storage.token_buckets.base.BucketStore`. It goes along with the next claim, or soon by itself."""
        for bucket, amount in claim:
            owed = self._owed.get(bucket.key)
            if owed is None and len(self._owed) >= MOST_OWED:
                continue
            self._owed[bucket.key] = (bucket, amount + (owed[1] if owed else 0))
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(RETURN_SECONDS, self._return_now)

    def _return_now(self) -> None:
        self._due = None
        if self._owed:
            self._work.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._connect()
                await self._serve()
            except Exception as error:
                # Whatever it was: without this task, every claim of this process would wait in vain.
                self._go_away(error)
                await self._disconnect()
                await asyncio.sleep(RETRY_SECONDS)

    async def _serve(self) -> None:
        while True:
            await self._work.wait()
            if not self._connection.is_connected or await self._connection.can_read():
                # Closed while it was idle: nothing was sent that could be lost.
                await self._disconnect()
                return
            self._work.clear()
            batch = self._next_batch()
            if not batch.is_empty:
                await self._settle(batch)
            if self._waiting or (self._owed and self._due is None):
                self._work.set()

    def _next_batch(self) -> Batch:
        requests: list[Request] = []
        while self._waiting and len(requests) < MOST_CLAIMS:
            request = self._waiting.popleft()
            if not request.answer.done():
                requests.append(request)
        returns = list(islice(self._owed.values(), MOST_RETURNS))
        for bucket, _ in returns:
            del self._owed[bucket.key]
        return Batch(requests, returns)

    async def _settle(self, batch: Batch) -> None:
        try:
            for request, answer in batch.answers(await self._call(batch)):
                if not request.answer.done():
                    request.answer.set_result(answer)
                elif answer.granted:
                    self.give_back(request.claim)
        except BaseException:
            # Whether the server has run it is not known, so nothing of it is tried again or given back.
            _refuse(batch.requests)
            raise

    async def _call(self, batch: Batch) -> bytes:
        async with in_time(self._call_seconds):
            try:
                return await self._ask(batch.command(self._script))
            except NoScriptError:
                await self._load_script()
                return await self._ask(batch.command(self._script))

    async def _ask(self, command: bytes) -> bytes:
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

    def _go_away(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            logger.warning("token buckets are out of reach: %s", in_one_line(error))
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        _refuse(self._waiting)
        self._waiting.clear()


def _refuse(requests: Iterable[Request]) -> None:
    for request in requests:
        if not request.answer.done():
            request.answer.set_exception(BucketsAway())
