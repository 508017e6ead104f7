"""Clocks that a test sets."""

from datetime import UTC, datetime, timedelta

import pytest

from cloudkeep.resources import clock_sync
from services.core import clock
from services.core.clock import SETTLED_SECONDS
from storage.database.connection import database_time

ZERO = timedelta(0)
real_elapsed = clock.elapsed


class Clocks:
    """How far the clocks of this host and of the database are ahead, and how much time has passed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.host = self.database = self.passed = ZERO
        patch.setattr(clock, "host_time", lambda: datetime.now(UTC) + self.host + self.passed)
        patch.setattr(clock, "elapsed", lambda: SETTLED_SECONDS + real_elapsed() + self.passed.total_seconds())
        patch.setattr(clock_sync, "database_time", self._database_time)

    async def _database_time(self) -> datetime:
        return await database_time() + self.database + self.passed
