"""A client that keeps a copy of the drive by the feed of changes."""

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from services.changes.cursors import FeedCursor
from services.changes.feed import changes_after, newest_cursor
from storage.events.models import Event, EventKind
from tests.services.drive.model.stored import Stored

#: Changes of a page.
PAGE = 3


class Known(NamedTuple):
    """What the client knows of an item."""

    parent_id: UUID | None
    kind: str
    name: str
    is_trashed: bool


@dataclass
class Follower:
    """The copy, and the place in the feed up to which it is right."""

    items: dict[UUID, Known] = field(default_factory=dict)
    cursor: FeedCursor = field(default_factory=FeedCursor)

    @classmethod
    async def beginning_with(cls, stored: Stored) -> "Follower":
        """A client that has just listed the drive."""
        return cls(expected(stored), await newest_cursor(stored.account.id))

    async def follow(self, account_id: UUID) -> None:
        """Apply all changes since then."""
        while True:
            page = await changes_after(account_id, self.cursor, PAGE)
            for change in page.changes:
                self._apply(change)
            self.cursor = page.end
            if not page.has_more:
                return

    def require(self, stored: Stored) -> None:
        """Fail unless the copy is the drive."""
        wanted = expected(stored)
        different = {key for key in self.items | wanted if self.items.get(key) != wanted.get(key)}
        assert not different, [(self.items.get(key), wanted.get(key)) for key in different]

    def _apply(self, change: Event) -> None:
        kind, known = EventKind(change.kind), self.items.get(change.item_id)
        if kind is EventKind.DELETED:
            self._remove(change.item_id)
            return
        assert (known is None) == (kind is EventKind.CREATED), f"{kind} of {'a known' if known else 'no known'} item"
        parent_id = UUID(change.facts["parentId"])
        is_trashed = kind is EventKind.TRASHED or (kind is not EventKind.RESTORED and bool(known and known.is_trashed))
        self.items[change.item_id] = Known(parent_id, change.facts["kind"], change.facts["name"], is_trashed)

    def _remove(self, item_id: UUID) -> None:
        self.items.pop(item_id, None)
        for child in [key for key, known in self.items.items() if known.parent_id == item_id]:
            self._remove(child)


def expected(stored: Stored) -> dict[UUID, Known]:
    """What a client has to know by now: all items of the drive and its trash, without the root."""
    return {
        key: Known(chain[0].parent_id, chain[0].kind.value, chain[0].name, chain[0].trashed_at is not None)
        for key, chain in stored.attached().items()
        if key != stored.account.id
    }
