"""Changes for tests of the feed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from services.core.clock import now
from storage.accounts import accounts
from storage.database.connection import atomically
from storage.events.events import NewEvent, record
from storage.events.models import Event, EventKind


async def change(account_id: UUID, count: int = 1, at: datetime | None = None) -> list[UUID]:
    """Store changes of as many new items, as a service does in one transaction. Returns the keys of the items."""
    items = [uuid4() for _ in range(count)]
    new = [NewEvent(EventKind.CREATED, item, {"name": "a", "parentId": None, "kind": "FILE"}) for item in items]

    async def work() -> None:
        await accounts.lock(account_id)
        await record(account_id, new, at or now())

    await atomically(work)
    return items


def items_of(changes: Sequence[Event]) -> list[UUID]:
    """The keys of the items of changes, in order."""
    return [event.item_id for event in changes]
