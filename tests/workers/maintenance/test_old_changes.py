"""Old changes are purged by one worker for all."""

from datetime import timedelta

import pytest

from services.core.clock import now
from storage.events import events
from storage.events.models import Event
from tests.services.changes.rows import change
from tests.storage.rows import new_account
from tests.workers.conftest import DAY
from workers.job_context import JobContext
from workers.maintenance.old_changes import OldChanges


@pytest.fixture
def old_changes(context: JobContext) -> OldChanges:
    return OldChanges(30 * DAY, context.membership, context.counters)


async def test_changes_are_kept_for_their_lifetime(
    old_changes: OldChanges, context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BATCH", 2)
    account = await new_account()
    await change(account.id, 5, now() - 31 * DAY)
    kept = [*await change(account.id, 1, now() - 29 * DAY), *await change(account.id)]
    context.membership.update(["one"])
    await old_changes.purge_changes()
    assert [event.item_id for event in await Event.all().order_by("seq")] == kept
    assert context.counters.changes_purged == 5


async def test_only_the_first_of_the_living_workers_purges(old_changes: OldChanges, context: JobContext) -> None:
    account = await new_account()
    await change(account.id, 3, now() - timedelta(days=31))
    context.membership.update(["another", "one"])
    await old_changes.purge_changes()
    assert await Event.all().count() == 3
