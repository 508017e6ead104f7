"""What changes of a drive leave beside the items: events, and entries for searches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.drive.models import Item, ItemKind
from storage.events.events import NewEvent, record
from storage.events.models import EventKind
from storage.search import entries


def event(kind: EventKind, item: Item) -> NewEvent:
    """An event of an item as it is now."""
    return NewEvent(kind, item.id, facts(item.name, item.parent_id, item.kind))


def facts(name: str, parent_id: UUID | None, kind: ItemKind) -> dict[str, Any]:
    """The facts in an event of an item."""
    return {"name": name, "parentId": None if parent_id is None else str(parent_id), "kind": kind.value}


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
