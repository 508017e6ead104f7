"""Reads the database's clock, and compares this host's with it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from cloudkeep.resources import clock_file
from services.core import clock
from storage.database.connection import database_time
from storage.errors import DatabaseUnavailable

PERIOD_SECONDS = 60.0
#: A reading that took longer says too little: this process may have been paused meanwhile.
LONGEST_READING = 2.0

_log = logging.getLogger("cloudkeep.clock")


@asynccontextmanager
async def synchronized_clock(file: Path) -> AsyncIterator[None]:
    """Use the database's clock in the block. The database is open. While it is away, the last reading is used.

    ``file``: where processes of this host keep what they know of that clock, for those that start during a jump.
    """
    watch = ClockWatch(file)
    clock.DATABASE.state = clock_file.load(file)
    await watch.compare()
    task = asyncio.create_task(_compare_for_ever(watch), name="clock-sync")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        clock.DATABASE.state = None


async def _compare_for_ever(watch: "ClockWatch") -> None:
    while True:
        await asyncio.sleep(PERIOD_SECONDS)
        try:
            await watch.compare()
        except DatabaseUnavailable as error:
            _log.debug("the database's clock cannot be read: %s", error)
        except Exception:
            _log.exception("the database's clock cannot be read")


class ClockWatch:
    """Logs an error when a clock is wrong, and once more when it is right again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._has_read = self._jumps = self._differs = False

    async def compare(self) -> None:
        """Read the database's clock. Raises :class:`DatabaseUnavailable`."""
        before = clock.elapsed()
        moment = await database_time()
        after = clock.elapsed()
        if self._has_read and after - before > LONGEST_READING:
            return
        self._has_read = True
        self._report_jump(clock.DATABASE.read(moment, (before + after) / 2))
        if clock.DATABASE.state:
            clock_file.save(self._file, clock.DATABASE.state)
        self._report_difference(clock.difference())

    def _report_jump(self, jump: timedelta) -> None:
        if jump and not self._jumps:
            _log.error(
                "the database's clock jumped by %+.0f s; this is not followed for %.0f minutes, so that nothing "
                "expires: set the clock right, or delete %s and start again to follow it at once",
                jump.total_seconds(),
                clock.HOLD_SECONDS / 60,
                self._file,
            )
        elif self._jumps and not jump:
            _log.warning("the database's clock is followed again")
        self._jumps = bool(jump)

    def _report_difference(self, difference: timedelta) -> None:
        differs = abs(difference) > clock.TOLERATED
        if differs and not self._differs:
            is_corrected = abs(difference) <= clock.LARGEST_CORRECTION
            _log.error(
                "this host's clock differs by %+.0f s from the database's: set the clock right; tokens and URLs %s",
                difference.total_seconds(),
                "are corrected" if is_corrected else "are not corrected by so much, and may be refused",
            )
        elif self._differs and not differs:
            _log.warning("this host's clock agrees with the database's again")
        self._differs = differs
