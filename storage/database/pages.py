"""Keyset pagination: a part of a list between two keys, without counting the rows before it."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from tortoise.models import Model
from tortoise.queryset import QuerySet

Key = TypeVar("Key")
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Window(Generic[Key]):
    """At most ``limit`` items of a list that lie behind ``after`` and before ``before``, neither of them included.

    They are the first ones of that part of the list; with ``backwards`` the last ones, in the same order.
    """

    limit: int
    after: Key | None = None
    before: Key | None = None
    backwards: bool = False


async def newest_first(query: QuerySet[Row], window: Window[UUID]) -> list[Row]:
    """A window of the query's rows, by ID, the newest one first: IDs are UUIDs of version 7, ordered by time."""
    query = query.filter(id__lt=window.after) if window.after else query
    query = query.filter(id__gt=window.before) if window.before else query
    rows = await query.order_by("id" if window.backwards else "-id").limit(window.limit)
    return rows[::-1] if window.backwards else rows
