"""Migrates the database at the start of a process.

Every process checks for itself, right before it opens the database. A separate process for it would take ten times
longer to load than the check takes, and delay every start.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tortoise.exceptions import BaseORMException

from cloudkeep.settings.settings import PREFIX, Settings
from storage.database.connection import migrate
from storage.database.engine import engine_of
from storage.errors import StorageError, in_one_line
from storage.search.index import update_index


class MigrationFailed(Exception):
    """The database cannot be used. ``str(error)`` is one line."""


async def migrate_database(settings: Settings) -> None:
    """Migrate. If several processes start at the same time, on any host, one migrates and the others wait for it.

    Raises :class:`MigrationFailed`.
    """
    with _failures():
        await migrate(settings.database_url, then=update_index)


async def migrate_old_database(settings: Settings) -> None:
    """The same for an existing database. With a new, empty one all stored files would look lost.

    Raises :class:`MigrationFailed`, also if there is no database; it creates none.
    """
    with _failures():
        if missing := await engine_of(settings.database_url).missing_tables():
            raise MigrationFailed(f"{PREFIX}DATABASE_URL: {missing}")
        await migrate(settings.database_url, then=update_index)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (StorageError, OSError, BaseORMException) as error:
        reason = str(error) if isinstance(error, StorageError) else in_one_line(error)
        raise MigrationFailed(f"{PREFIX}DATABASE_URL: the database cannot be used: {reason}") from error
