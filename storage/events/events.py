"""Rows of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.connection import fetch
from storage.events.models import Event, EventKind

BUMP = "UPDATE account SET change_seq = change_seq + ? WHERE id = ? RETURNING change_seq"


@dataclass(frozen=True)
class NewEvent:
    """An event that has happened, before it has a number."""

    kind: EventKind
    item_id: UUID
    facts: Mapping[str, Any] = field(default_factory=dict)


async def record(account_id: UUID, new: Sequence[NewEvent], at: datetime) -> int:
    """Store events of an account in this order. Returns the number of the last one.

    Call it inside the transaction of the change, after the account's row was locked: so the order of the numbers is
    that of the commits, and a reader who has seen a number will never find a smaller new one.
    """
    ((last,),) = await fetch(BUMP, len(new), account_id)
    first = last - len(new) + 1
    await Event.bulk_create(
        [
            Event(
                account_id=account_id,
                seq=seq,
                kind=event.kind.value,
                item_id=event.item_id,
                facts=dict(event.facts),
                at=at,
            )
            for seq, event in enumerate(new, first)
        ]
    )
    return int(last)
