"""The feed of changes of a drive: pages of the log of events, each change in order and exactly once."""

from uuid import UUID

from services.changes.cursors import FeedCursor, cursor_of
from services.changes.errors import CursorExpired
from services.changes.types import ChangePage
from storage.events import events as rows

EXPIRED = "The changes after this cursor are no longer known. List the drive again, and continue with a new cursor."


async def newest_cursor(account_id: UUID) -> FeedCursor:
    """The position after the newest change."""
    newest = await rows.newest(account_id)
    return cursor_of(newest) if newest else FeedCursor()


async def changes_after(account_id: UUID, after: FeedCursor, limit: int) -> ChangePage:
    """The first changes after a position.

    Raises :class:`CursorExpired` if some of them were purged, or if the position is not one of this account's log.
    """
    # The change at the position itself proves the position. One more than the page has shows whether others follow.
    found = await rows.since(account_id, after.seq, limit + 2)
    if after.seq:
        if not found or cursor_of(found[0]) != after:
            raise CursorExpired(EXPIRED, field="after")
        del found[0]
    # The numbers have no gaps, and the purge never deletes the newest event: a gap was purged.
    if [event.seq for event in found] != list(range(after.seq + 1, after.seq + 1 + len(found))):
        raise CursorExpired(EXPIRED, field="after")
    changes = found[:limit]
    return ChangePage(changes, cursor_of(changes[-1]) if changes else after, len(found) > limit)
