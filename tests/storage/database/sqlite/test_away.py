"""SQLite locked by another process, or on a disk that fails: callers get an error, and it recovers by itself."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tortoise import connections

from storage.accounts import accounts, registrations
from storage.accounts.models import Account
from storage.accounts.registrations import RegistrationLimits
from storage.database.connection import atomically, close_database, execute_many, open_database
from storage.database.sqlite import engine as sqlite
from storage.errors import DatabaseUnavailable
from storage.uploads.models import Upload
from tests.storage.rows import NOW, new_account, new_registration, new_upload, receive
from tests.support.backends.databases import written_by_another
from tests.support.faults.disk import files_end_at

pytestmark = pytest.mark.sqlite


@pytest.fixture
async def upload(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Upload]:
    """An upload in a database with short timeouts."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 20)
    await open_database(database_url)
    yield await new_upload()
    await close_database()


async def register(_: Upload) -> None:
    await registrations.insert(new_registration(), RegistrationLimits(1_000, 1_000), NOW)


WRITES: dict[str, Callable[[Upload], Awaitable[object]]] = {
    "a row": lambda _: new_account("ada"),
    "an update": lambda _: Account.all().update(name="changed"),
    "a transaction": lambda _: atomically(lambda: new_account("ada")),
    "a receipt": lambda upload: receive(upload, 0),
    "an upsert": register,
    "many rows": lambda upload: execute_many("DELETE FROM upload WHERE id = ?", [(upload.id,)]),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_write_beside_another_process_that_keeps_writing_finds_the_database_away(
    database_url: str, upload: Upload, write: Callable[[Upload], Awaitable[object]]
) -> None:
    with written_by_another(database_url):
        with pytest.raises(DatabaseUnavailable, match="database is locked"):
            await write(upload)
        assert await Upload.all().count() == 1
    await write(upload)


async def test_a_write_that_the_system_refuses_finds_the_database_away_and_leaves_nothing(upload: Upload) -> None:
    with files_end_at(1), pytest.raises(DatabaseUnavailable, match="disk I/O error"):
        await new_account("ada")
    assert not await accounts.user_id_exists("ada")
    await new_account("ada")


async def test_a_database_that_became_read_only_is_away(upload: Upload) -> None:
    await connections.get("default").execute_query("PRAGMA query_only = ON")
    with pytest.raises(DatabaseUnavailable, match="readonly"):
        await new_account("ada")
    await connections.get("default").execute_query("PRAGMA query_only = OFF")
    await new_account("ada")
