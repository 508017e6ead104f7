"""The feed of changes: in order, exactly once, and never a gap that a client does not notice."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.changes.cursors import FeedCursor, cursor_of
from services.changes.errors import CursorExpired
from services.changes.feed import changes_after, newest_cursor
from services.core.clock import now
from storage.accounts.models import Account
from storage.events import events
from storage.events.models import Event
from tests.services.changes.rows import change, items_of

DAY = timedelta(days=1)


async def read_all(account_id: UUID, after: FeedCursor, limit: int) -> list[UUID]:
    """The items of all changes after a cursor, page by page."""
    found: list[UUID] = []
    while True:
        page = await changes_after(account_id, after, limit)
        assert len(page.changes) == limit or not page.has_more
        found += items_of(page.changes)
        after = page.end
        if not page.has_more:
            return found


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 100])
async def test_pages_have_every_change_once_and_in_order(ada: UUID, limit: int) -> None:
    start = await newest_cursor(ada)
    items = [*await change(ada, 3), *await change(ada, 2)]
    assert await read_all(ada, start, limit) == items


async def test_an_empty_page_ends_where_it_starts(ada: UUID) -> None:
    assert (await changes_after(ada, FeedCursor(), 5)).end == FeedCursor()
    await change(ada)
    end = await newest_cursor(ada)
    page = await changes_after(ada, end, 5)
    assert (page.changes, page.end, page.has_more) == ([], end, False)
    items = await change(ada)
    assert await read_all(ada, page.end, 5) == items


async def test_another_account_has_another_history(ada: UUID, bob: UUID) -> None:
    await change(ada)
    await change(bob)
    with pytest.raises(CursorExpired):
        await changes_after(bob, await newest_cursor(ada), 5)
    assert await read_all(bob, FeedCursor(), 5)


async def test_a_cursor_expires_with_the_changes_after_it(ada: UUID) -> None:
    old = [await newest_cursor(ada)]
    for _ in range(3):
        await change(ada, at=now() - 2 * DAY)
        old.append(await newest_cursor(ada))
    items = await change(ada)
    await events.purge(now() - DAY)
    for cursor in old[:3]:
        with pytest.raises(CursorExpired):
            await changes_after(ada, cursor, 5)
    # The event of this one was purged, too: nothing proves the cursor any more.
    with pytest.raises(CursorExpired):
        await changes_after(ada, old[3], 5)
    assert items_of((await changes_after(ada, await newest_cursor(ada), 5)).changes) == []
    assert await Event.filter(item_id__in=items).count() == 1


async def test_the_cursor_at_the_end_of_an_idle_drive_never_expires(ada: UUID) -> None:
    await change(ada, 3, at=now() - 100 * DAY)
    end = await newest_cursor(ada)
    await events.purge(now())
    assert (await changes_after(ada, end, 5)).changes == []
    items = await change(ada)
    assert await read_all(ada, end, 5) == items


async def test_a_purge_in_another_order_than_the_numbers_hides_no_change(ada: UUID) -> None:
    """The clocks of two hosts differ by a little."""
    await change(ada)
    cursor = await newest_cursor(ada)
    await change(ada, at=now() - 2 * DAY)
    await change(ada, 2)
    await events.purge(now() - DAY)
    with pytest.raises(CursorExpired):
        await changes_after(ada, cursor, 5)


async def test_a_database_that_was_restored_from_an_older_copy_is_noticed(ada: UUID) -> None:
    """Also when it has got as many new changes as it had lost."""
    await change(ada, 2)
    kept = await newest_cursor(ada)
    await change(ada, 2)
    lost = await newest_cursor(ada)
    await Event.filter(account_id=ada, seq__gt=2).delete()
    await Account.filter(id=ada).update(change_seq=2)
    with pytest.raises(CursorExpired):
        await changes_after(ada, lost, 5)
    items = await change(ada, 3)
    with pytest.raises(CursorExpired):
        await changes_after(ada, lost, 5)
    assert await read_all(ada, kept, 5) == items


async def test_a_cursor_is_that_of_the_last_change_of_its_page(ada: UUID) -> None:
    await change(ada, 3)
    page = await changes_after(ada, FeedCursor(), 2)
    assert page.end == cursor_of(page.changes[-1])
    assert page.has_more
