"""The feed of changes of the viewer's drive."""

from collections.abc import Sequence
from dataclasses import dataclass

from resolvers.context import Context
from resolvers.drive.items import PREFIXES
from resolvers.pages import MAX_PAGE, PAGE
from services.access.permissions import visible
from services.accounts.tokens import Viewer
from services.changes import feed
from services.changes.cursors import cursor_of, parse
from services.changes.types import ChangePage
from services.core.errors import InvalidInput
from services.core.ids import Prefix
from storage.drive.models import Item, ItemKind
from storage.events.models import Event


@dataclass(frozen=True)
class ViewedChange:
    """A change, and the viewer who sees it: a subscription may go on after the token of its request has expired."""

    event: Event
    viewer: Viewer

    @property
    def cursor(self) -> str:
        """The position after the change."""
        return str(cursor_of(self.event))

    @property
    def prefix(self) -> Prefix:
        """The type of the item, which may be deleted by now."""
        return PREFIXES[ItemKind(self.event.facts["kind"])]


async def newest_cursor(context: Context) -> str:
    """The current end of the viewer's feed."""
    return str(await feed.newest_cursor(context.viewer.account_id))


async def page(context: Context, after: str, first: int | None) -> ChangePage:
    """A page of the viewer's feed. Raises :class:`InvalidInput` and :class:`CursorExpired`."""
    if first is not None and not 1 <= first <= MAX_PAGE:
        raise InvalidInput(f"'first' must be 1 to {MAX_PAGE}.", field="first")
    return await feed.changes_after(context.viewer.account_id, parse(after), first or PAGE)


def viewed(context: Context, page: ChangePage) -> Sequence[ViewedChange]:
    """The changes of a page of the viewer's feed."""
    return [ViewedChange(event, context.viewer) for event in page.changes]


async def item_of(context: Context, change: ViewedChange) -> Item | None:
    """The item of a change as it is now; None if it is deleted or the viewer may not see it."""
    return visible(change.viewer, await context.loaders.items.load(change.event.item_id))
