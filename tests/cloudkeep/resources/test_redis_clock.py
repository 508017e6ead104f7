"""The clock of Redis decides nothing about what the database stores."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from cloudkeep.resources.resources import blob_grace, connected_database, open_resources, retention
from cloudkeep.settings.settings import Settings
from services.core.counters import Counters
from services.maintenance.collector import Collector
from services.maintenance.sweeper import Sweeper
from storage.accounts.models import Account, Session
from storage.uploads.models import Upload
from workers.maintenance.housekeeping import Housekeeping
from workers.worker_membership import WorkerMembership

DAY = 24 * 60 * 60


async def test_a_redis_whose_clock_is_days_ahead_expires_no_upload_and_no_session(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def days_ahead(_: Redis) -> tuple[int, int]:
        return int(time.time() + 8 * DAY), 0

    monkeypatch.setattr(Redis, "time", days_ahead)
    async with connected_database(settings):
        account = await Account.create(user_id="ada", name="Ada", email="ada@example.org", password_hash="-")
        expires_at = datetime.now(UTC) + timedelta(days=7)
        await Session.create(account_id=account.id, refresh_hash="-", expires_at=expires_at)
        await Upload.create(
            account_id=account.id,
            expires_at=expires_at,
            file_name="file.bin",
            mime_type="text/plain",
            size=1,
            chunk_size=1,
        )
        async with open_resources(settings, Counters(), "worker") as base:
            membership = WorkerMembership("one")
            membership.update(["one"])
            collector = Collector(base.store, blob_grace(settings), Counters())
            kept = retention(settings, base.notifications, Counters())
            await Housekeeping(Sweeper(base.store, base.uploads), collector, kept, membership).purge_and_sweep()
        assert await Session.all().count() == 1
        assert (await Upload.get()).status == "RECEIVING"
