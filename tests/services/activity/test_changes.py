"""Changes in the activity of an account: all of them, in order, exactly once, whatever is away."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from services.activity import watcher
from services.changes import watched_feeds
from services.changes.cursors import FeedCursor
from services.changes.errors import CursorExpired
from services.changes.feed import newest_cursor
from services.core.clock import now
from services.core.errors import InvalidInput
from storage.accounts.models import Account
from storage.errors import DatabaseUnavailable
from storage.events import events
from storage.events.models import Event
from storage.redis.valkey import EmbeddedValkey
from tests.services.activity.conftest import Process
from tests.services.activity.watching import Watching
from tests.services.changes.rows import change
from tests.support.waiting import eventually

#: Longer than a test may take: what comes nevertheless does not come by polling.
NEVER = 3_600.0


async def test_a_new_watcher_gets_a_heartbeat_with_the_end_of_the_feed(here: Process, ada: UUID) -> None:
    await change(ada, 3)
    watching = Watching(here.activity, ada)
    assert await watching.complete() == str(await newest_cursor(ada))
    assert len(watching.frames) == 1
    await watching.leave()


async def test_changes_come_in_order_and_each_once(here: Process, ada: UUID) -> None:
    watching = Watching(here.activity, ada)
    await watching.complete()
    items: list[UUID] = []
    for count in (1, 3, 150):
        items += await change(ada, count)
        here.notifier.notify(ada)
        await watching.until_changed(items)
    assert watching.frames[-1].cursor == str(await newest_cursor(ada))
    await watching.leave()


async def test_a_notification_of_another_process_is_enough(
    here: Process, other: Process, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_feeds, "POLL_SECONDS", NEVER)
    watching = Watching(here.activity, ada)
    await watching.complete()
    items = await change(ada)
    other.notifier.notify(ada)
    await watching.until_changed(items)
    await watching.leave()


async def test_a_process_notifies_all_others_of_its_commits(
    here: Process, other: Process, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_feeds, "POLL_SECONDS", NEVER)
    watching = Watching(here.activity, ada)
    await watching.complete()
    with other.notifier.following_commits():
        items = await change(ada)
    await watching.until_changed(items)
    await watching.leave()


async def test_a_lost_notification_costs_a_moment_only(here: Process, ada: UUID) -> None:
    watching = Watching(here.activity, ada)
    await watching.complete()
    await watching.until_changed(await change(ada))
    await watching.leave()


async def test_without_redis_changes_come_from_the_database(valkey: EmbeddedValkey, here: Process, ada: UUID) -> None:
    """Also for those who subscribe while it is away."""
    first = Watching(here.activity, ada)
    await first.complete()
    valkey.kill()
    await valkey.wait()
    second = Watching(here.activity, ada)
    await second.complete()
    items = await change(ada)
    here.notifier.notify(ada)
    await first.until_changed(items)
    await second.until_changed(items)
    await first.leave()
    await second.leave()


async def test_a_watcher_who_returns_gets_all_changes_since_first(here: Process, ada: UUID) -> None:
    watching = Watching(here.activity, ada)
    await watching.complete()
    seen = await change(ada, 3)
    await watching.until_changed(seen)
    await watching.leave()
    missed = await change(ada, 230)
    again = Watching(here.activity, ada, watching.frames[-1].cursor)
    await again.complete()
    assert again.changed == missed
    await again.leave()


async def test_a_watcher_may_continue_after_every_frame(here: Process, ada: UUID) -> None:
    items = await change(ada, 4)
    cursor = str(FeedCursor())
    for item in items:
        watching = Watching(here.activity, ada, cursor)
        await watching.next()
        assert watching.changed == [item]
        cursor = watching.frames[0].cursor
        await watching.leave()
    assert cursor == str(await newest_cursor(ada))


async def test_two_watchers_and_parallel_writers_agree(here: Process, other: Process, ada: UUID) -> None:
    """One of them leaves and comes back again and again."""
    steady, restless = Watching(here.activity, ada), Watching(other.activity, ada)
    await steady.complete()
    cursor = await restless.complete()
    seen: list[UUID] = []

    async def write() -> None:
        for count in (1, 2, 3, 4, 5) * 3:
            await change(ada, count)
            other.notifier.notify(ada)

    writing = asyncio.gather(*(write() for _ in range(3)))
    while len(seen) < 135:
        frame = await restless.next()
        cursor, subject = frame.cursor, frame.subject
        if isinstance(subject, Event):
            seen.append(subject.item_id)
        if len(seen) % 20 == 0:
            await restless.leave()
            restless = Watching(other.activity, ada, cursor)
    await writing
    stored = [event.item_id for event in await Event.filter(account_id=ada).order_by("seq")]
    assert seen == stored
    await steady.until_changed(stored)
    await steady.leave()
    await restless.leave()


async def test_an_account_sees_no_changes_of_another(here: Process, ada: UUID, bob: UUID) -> None:
    watching = Watching(here.activity, ada)
    await watching.complete()
    await change(bob, 2)
    await watching.until_changed(await change(ada))
    await watching.leave()


@pytest.mark.parametrize("after", ["", "0-0", "x" * 16])
async def test_text_that_is_no_cursor_is_refused(here: Process, ada: UUID, after: str) -> None:
    with pytest.raises(InvalidInput):
        await Watching(here.activity, ada, after).next()


async def test_a_watcher_who_was_away_for_too_long_has_to_list_the_drive(here: Process, ada: UUID) -> None:
    await change(ada, 3)
    await events.purge(now())
    with pytest.raises(CursorExpired):
        await Watching(here.activity, ada, str(FeedCursor())).next()


async def test_a_database_that_was_restored_from_an_older_copy_is_noticed(here: Process, ada: UUID) -> None:
    await change(ada, 2)
    cursor = str(await newest_cursor(ada))
    await Event.filter(account_id=ada).delete()
    await Account.filter(id=ada).update(change_seq=0)
    await change(ada, 5)
    with pytest.raises(CursorExpired):
        await Watching(here.activity, ada, cursor).next()


async def test_a_slow_watcher_is_told_if_changes_were_purged_meanwhile(here: Process, ada: UUID) -> None:
    watching = Watching(here.activity, ada)
    await watching.complete()
    items = await change(ada, watched_feeds.PAGE + 50)
    await watching.until(lambda: len(watching.changed) == 1)
    await events.purge(now())
    with pytest.raises(CursorExpired):
        await watching.until_changed(items)


async def test_changes_go_on_after_the_database_was_away(
    here: Process, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(watched_feeds, "POLL_SECONDS", 0.05)
    watching = Watching(here.activity, ada)
    await watching.complete()
    failures = {"newest_numbers": 0, "since": 0}

    def fail_twice(name: str) -> None:
        read = getattr(events, name)

        async def failing(*arguments: object) -> object:
            if failures[name] < 2:
                failures[name] += 1
                raise DatabaseUnavailable("away")
            return await read(*arguments)

        monkeypatch.setattr(events, name, failing)

    fail_twice("newest_numbers")
    fail_twice("since")
    await watching.until_changed(await change(ada))
    assert failures == {"newest_numbers": 2, "since": 2}
    await watching.leave()


async def test_a_subscription_fails_at_once_while_the_database_is_away(
    here: Process, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> object:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(events, "since", fail)
        with pytest.raises(DatabaseUnavailable):
            await Watching(here.activity, ada).next()
    await Watching(here.activity, ada).complete()


async def test_two_hundred_watchers_of_an_account_cost_few_queries(
    here: Process, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = [Watching(here.activity, ada) for _ in range(200)]
    await asyncio.gather(*(watching.complete() for watching in everyone))
    pages: list[int] = []
    rounds: list[Sequence[UUID]] = []
    since, newest_numbers = events.since, events.newest_numbers

    async def count_pages(account_id: UUID, seq: int, limit: int) -> list[Event]:
        pages.append(seq)
        return await since(account_id, seq, limit)

    async def count_rounds(account_ids: Sequence[UUID]) -> dict[UUID, int]:
        rounds.append(account_ids)
        return await newest_numbers(account_ids)

    monkeypatch.setattr(events, "since", count_pages)
    monkeypatch.setattr(events, "newest_numbers", count_rounds)
    items: list[UUID] = []
    for _ in range(5):
        items += await change(ada)
        here.notifier.notify(ada)
        await asyncio.gather(*(watching.until_changed(items) for watching in everyone))
    # One for each change, and a few of the rounds that are made every second.
    assert len(pages) <= 10, pages
    assert all(list(accounts) == [ada] for accounts in rounds)
    for watching in everyone:
        await watching.leave()


async def test_watchers_of_many_accounts_share_the_queries(
    here: Process, ada: UUID, bob: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_feeds, "POLL_SECONDS", 0.05)
    rounds: list[set[UUID]] = []
    newest_numbers = events.newest_numbers

    async def count_rounds(account_ids: Sequence[UUID]) -> dict[UUID, int]:
        rounds.append(set(account_ids))
        return await newest_numbers(account_ids)

    monkeypatch.setattr(events, "newest_numbers", count_rounds)
    both = [Watching(here.activity, account) for account in (ada, bob)]
    for watching in both:
        await watching.complete()
    for watching, account in zip(both, (ada, bob), strict=True):
        await watching.until_changed(await change(account))
    assert {ada, bob} in rounds
    for watching in both:
        await watching.leave()


async def test_nothing_is_left_of_watchers_who_left(here: Process, ada: UUID) -> None:
    everyone = [Watching(here.activity, ada) for _ in range(3)]
    for watching in everyone:
        await watching.complete()
    assert here.counters.activity_watchers == 3
    for watching in everyone:
        await watching.leave()
    assert here.counters.activity_watchers == 0

    async def is_idle() -> bool:
        names = {task.get_name() for task in asyncio.all_tasks()}
        return not names & {"watched-account", "watched-feeds", "feed-page"}

    await eventually(is_idle)
