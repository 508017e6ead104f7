"""The activity of accounts: changes of their drives, and progress of their uploads, for any number of watchers.

Changes come from the database, each once and in order. The event log in Redis only says that there are some, and
carries progress; what it loses is found by queries that all watchers of this process share.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from uuid import UUID

from services.activity.watched_account import WatchedAccount
from services.activity.watcher import NextFrame
from services.changes.cursors import parse
from services.changes.feed import newest_cursor
from services.changes.watched_feeds import WatchedFeeds
from services.core.counters import Counters
from storage.progress_stream import EventLog


class Activity:
    """The watched accounts of one process. ``close`` at the end."""

    def __init__(self, log: EventLog, counters: Counters | None = None) -> None:
        self._log = log
        self._counters = counters or Counters()
        self._feeds = WatchedFeeds()
        self._accounts: dict[UUID, WatchedAccount] = {}

    async def close(self) -> None:
        """Stop all reading. Call it when no watcher is left."""
        await self._feeds.close()

    async def watch(self, account_id: UUID, after: str | None = None) -> AsyncGenerator[NextFrame, None]:
        """Frames of an account, endlessly: see :class:`services.activity.watcher.Watcher`.

        ``after`` is a cursor of the feed or of a frame: all changes since then come first. Without it, changes start
        with the next one. Raises :class:`InvalidInput` for text that is not a cursor,
        :class:`services.changes.errors.CursorExpired`, and :class:`storage.errors.DatabaseUnavailable` before the first
        frame only: later it waits for the database.
        """
        start = None if after is None else parse(after)
        end = await newest_cursor(account_id)
        async with self._watched(account_id) as account:
            with account.joined(start or end, end) as watcher, self._counters.activity_watcher():
                async with aclosing(watcher.frames()) as frames:
                    async for frame in frames:
                        yield frame

    @asynccontextmanager
    async def _watched(self, account_id: UUID) -> AsyncIterator[WatchedAccount]:
        """Watch an account during the block."""
        with self._feeds.watched(account_id) as feed:
            account = self._accounts.get(account_id)
            if account is None:
                account = self._accounts[account_id] = WatchedAccount(account_id, self._log, feed)
                account.start()
            account.users += 1
            try:
                await account.until_ready()
                yield account
            finally:
                account.users -= 1
                if not account.users:
                    del self._accounts[account_id]
                    await account.close()
