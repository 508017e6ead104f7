"""What changes of a drive leave beside the items: events, and entries for searches."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from storage.drive.models import Item
from storage.events.events import NewEvent, record
from storage.events.models import EventKind
from storage.search import entries


def event(kind: EventKind, item: Item) -> NewEvent:
    """An event of an item as it is now."""
    parent_id = None if item.parent_id is None else str(item.parent_id)
    return NewEvent(kind, item.id, {"name": item.name, "parentId": parent_id, "kind": item.kind.value})


async def log(account_id: UUID, events: Sequence[NewEvent], at: datetime) -> None:
    """Store the events of a change, if there are any. Call it last in the transaction."""
    if events:
        await record(account_id, events, at)


async def put_names(items: Sequence[Item]) -> None:
    """Let searches find these items of one account by their names."""
    if items:
        await entries.put(items[0].account_id, {item.id: item.name for item in items})


async def remove_names(item_ids: Sequence[UUID]) -> None:
    """Let searches find these items no more."""
    await entries.remove(item_ids)
