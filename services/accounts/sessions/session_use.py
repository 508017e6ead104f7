"""When and from where sessions were last used: collected in memory, and stored once a minute in one transaction."""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from services.accounts.sessions.sessions import MAX_ADDRESS, MAX_USER_AGENT, Client
from services.core.clock import now
from services.core.errors import DATABASE_AWAY
from storage.accounts.sessions import Use, record_uses
from storage.errors import in_one_line

logger = logging.getLogger("cloudkeep.accounts")

INTERVAL = timedelta(minutes=1)
#: Sessions whose use is collected within an interval, at up to 1 KiB each. The use of others is not stored.
MOST = 10_000
#: Rows of one transaction, during which other writers wait in SQLite.
BATCH = 500
#: Seconds for the last uses when the process ends.
LAST_SECONDS = 1.0


class SessionUse:
    """The uses of sessions in one process. ``start`` before the first one, ``close`` at the end.

    A process that is killed loses those of the last interval.
    """

    def __init__(self, interval: timedelta = INTERVAL) -> None:
        self._interval = interval
        self._uses: dict[UUID, Use] = {}
        self._storing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to store uses."""
        self._storing = asyncio.create_task(self._store_for_ever(), name="session-use")

    async def close(self) -> None:
        """Store the last uses, if the database answers in time."""
        if self._storing:
            self._storing.cancel()
            await asyncio.wait({self._storing})
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self._store()
        except TimeoutError:
            logger.info("the database does not answer: the last uses of some sessions are not stored")

    def record(self, session_id: UUID, client: Client) -> None:
        """Remember a use of a session by a client."""
        if session_id not in self._uses and len(self._uses) >= MOST:
            return
        user_agent = client.user_agent[:MAX_USER_AGENT] if client.user_agent else None
        self._uses[session_id] = Use(session_id, now(), client.address[:MAX_ADDRESS], user_agent)

    async def _store_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._interval.total_seconds())
            await self._store()

    async def _store(self) -> None:
        uses, self._uses = list(self._uses.values()), {}
        try:
            for start in range(0, len(uses), BATCH):
                await record_uses(uses[start : start + BATCH], self._interval)
        except DATABASE_AWAY as error:
            logger.debug("the last uses of sessions cannot be stored: %s", in_one_line(error))
        except Exception:
            logger.exception("the last uses of sessions cannot be stored")
