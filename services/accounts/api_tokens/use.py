"""When API tokens were last used: collected in memory, and stored at most once a minute for each token."""

import asyncio
import logging
from contextlib import suppress
from itertools import islice
from time import monotonic
from uuid import UUID

from services.core.clock import now
from storage.accounts.api_tokens import BATCH, set_last_use
from storage.errors import in_one_line

logger = logging.getLogger("cloudkeep.accounts")

PERIOD_SECONDS = 60.0
#: Seconds for which uses are collected, so that one statement stores many.
COLLECT_SECONDS = 1.0
#: Tokens whose last write is remembered, and tokens that wait for theirs. More than these are written more often, or
#: not at all.
MAX_ENTRIES = 10_000
#: Seconds for the last write when the process ends.
CLOSE_SECONDS = 1.0


class ApiTokenUse:
    """The uses that one process has seen. ``start`` before the first one, ``close`` at the end."""

    def __init__(self) -> None:
        self._written: dict[UUID, float] = {}
        self._pending: dict[UUID, None] = {}
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to store uses."""
        self._writer = asyncio.create_task(self._write_for_ever(), name="api-token-use")

    async def close(self) -> None:
        """Store what is left, if the database answers in time, and stop."""
        if self._writer:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._write_pending()

    def record(self, token_id: UUID) -> None:
        """Remember that a token is being used. It is stored later."""
        written = self._written.get(token_id)
        is_due = written is None or monotonic() >= written + PERIOD_SECONDS
        if is_due and len(self._pending) < MAX_ENTRIES:
            self._pending[token_id] = None
            self._wake.set()

    async def _write_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(COLLECT_SECONDS)
            self._wake.clear()
            await self._write_pending()

    async def _write_pending(self) -> None:
        while token_ids := list(islice(self._pending, BATCH)):
            for token_id in token_ids:
                del self._pending[token_id]
                self._remember(token_id)
            try:
                await set_last_use(token_ids, now())
            except Exception as error:
                # Only a time in a list is lost. A later use is stored.
                logger.warning("the last use of API tokens could not be stored: %s", in_one_line(error))

    def _remember(self, token_id: UUID) -> None:
        self._written.pop(token_id, None)
        self._written[token_id] = monotonic()
        if len(self._written) > MAX_ENTRIES:
            del self._written[next(iter(self._written))]
