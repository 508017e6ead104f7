"""Rows of events."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from storage.accounts.models import Account
from storage.database.connection import after_commit, atomically, can_write_in_with, execute_many, fetch
from storage.events.models import Event, EventKind

#: The rows that one purge deletes at most, so that its transaction is short.
BATCH = 1_000
BUMP = "UPDATE account SET change_seq = change_seq + ? WHERE id = ? RETURNING change_seq"
INSERT = "INSERT INTO event (id, account_id, seq, kind, item_id, facts, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
#: Both in one statement and one round trip: the account's row is locked for half as long.
BUMP_AND_INSERT = """
WITH bumped AS (UPDATE account SET change_seq = change_seq + ? WHERE id = ? RETURNING id, change_seq),
added AS (
    INSERT INTO event (id, account_id, seq, kind, item_id, facts, at)
    SELECT (new.event ->> 'id')::uuid, bumped.id, bumped.change_seq - ? + new.number, new.event ->> 'kind',
        (new.event ->> 'item')::uuid, new.event -> 'facts', ?
    FROM bumped, jsonb_array_elements(?::jsonb) WITH ORDINALITY AS new(event, number)
)
SELECT change_seq FROM bumped"""
#: The newest event of an account is kept for ever: a cursor at the end of the log is verified by it.
OLD = """
SELECT id FROM event
WHERE at < ? AND seq < (SELECT change_seq FROM account WHERE account.id = event.account_id) ORDER BY at LIMIT ?"""


#: What is called with the account after a transaction with events of it is committed.
_listeners: set[Callable[[UUID], None]] = set()


@dataclass(frozen=True)
class NewEvent:
    """An event that has happened, before it has a number."""

    kind: EventKind
    item_id: UUID
    facts: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def listening(listener: Callable[[UUID], None]) -> Iterator[None]:
    """Call ``listener`` with the account after each commit of events by this process, during the block.

    It must not block.
    """
    _listeners.add(listener)
    try:
        yield
    finally:
        _listeners.discard(listener)


async def record(account_id: UUID, new: Sequence[NewEvent], at: datetime) -> int:
    """Store events of an account in this order. Returns the number of the last one.

    Call it inside the transaction of the change, after the account's row was locked: so the order of the numbers is
    that of the commits, and a reader who has seen a number will never find a smaller new one. Those who are
    :func:`listening` are called after the commit.
    """
    for listener in _listeners:
        after_commit(partial(listener, account_id))
    if can_write_in_with():
        rows = [
            {"id": str(uuid7()), "kind": event.kind.value, "item": str(event.item_id), "facts": dict(event.facts)}
            for event in new
        ]
        ((last,),) = await fetch(BUMP_AND_INSERT, len(new), account_id, len(new), at, json.dumps(rows))
        return int(last)
    ((last,),) = await fetch(BUMP, len(new), account_id)
    await execute_many(
        INSERT,
        [
            (uuid7(), account_id, seq, event.kind.value, event.item_id, json.dumps(dict(event.facts)), at)
            for seq, event in enumerate(new, last - len(new) + 1)
        ],
    )
    return int(last)


async def since(account_id: UUID, seq: int, limit: int) -> list[Event]:
    """The first events of an account with this number or a greater one, in order."""
    return await Event.filter(account_id=account_id, seq__gte=seq).order_by("seq").limit(limit)


async def newest(account_id: UUID) -> Event | None:
    """The newest event of an account; None if there never was one."""
    return await Event.filter(account_id=account_id).order_by("-seq").first()


async def newest_numbers(account_ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of the newest event of each of these accounts that exist; 0 if there never was one."""
    rows = await Account.filter(id__in=list(account_ids)).values_list("id", "change_seq")
    return dict(rows)


async def purge(before: datetime) -> int:
    """Delete events from before this time, except for the newest of each account.

    Returns the number of deleted events, ``BATCH`` at most.
    """

    async def work() -> int:
        keys = [row[0] for row in await fetch(OLD, before, BATCH)]
        return await Event.filter(id__in=keys).delete() if keys else 0

    return await atomically(work)
