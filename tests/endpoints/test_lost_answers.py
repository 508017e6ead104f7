"""PostgreSQL commits, and the network breaks before its answer arrives, or PostgreSQL is away for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from services.uploads.progress.frame import receiving_frame
from storage.database.connection import migrate
from storage.uploads.models import UploadStatus
from tests.contracts.event_backends import running
from tests.support.backends.databases import PostgresDatabases
from tests.support.faults.proxy import Proxy, proxy
from tests.support.server import INIT, PROGRESS, Api, key_of, sse_events
from tests.support.waiting import eventually

pytestmark = pytest.mark.postgres

CONTENT = b"0123456789abcdef" * 8_192
#: Makes a commit that does more than to prolong an upload wait for a lock, as its last step before it answers.
COMMITS_WAIT = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (OLD.status, OLD.received_chunks) = (NEW.status, NEW.received_chunks) THEN RETURN NULL; END IF;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE ON upload DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait();
"""
#: Only the commits that end an upload.
END_WAITS = """
CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON upload DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'READY') EXECUTE FUNCTION wait();
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
async def direct(databases: PostgresDatabases, tmp_path: Path) -> AsyncIterator[asyncpg.Connection]:
    """The test's connection to a database whose commits can be delayed."""
    url = await databases.empty(tmp_path)
    await migrate(url)
    connection = await asyncpg.connect(url)
    await connection.execute(COMMITS_WAIT)
    yield connection
    await connection.close()
    await databases.drop(url)


@pytest.fixture
async def line(databases: PostgresDatabases) -> AsyncIterator[Proxy]:
    """The proxy of the server's connections to the database."""
    async with proxy(databases.server.port) as running:
        yield running


@pytest.fixture
async def database_url(databases: PostgresDatabases, direct: asyncpg.Connection, line: Proxy) -> str:
    """The database, for the server."""
    name = await direct.fetchval("SELECT current_database()")
    return databases.server.url(name).replace(f":{databases.server.port}/", f":{urlsplit(line.url).port}/")


@asynccontextmanager
async def commits_held(direct: asyncpg.Connection) -> AsyncIterator[None]:
    """Delay all commits during the block."""
    await direct.execute("SELECT pg_advisory_lock(1)")
    try:
        yield
    finally:
        await direct.execute("SELECT pg_advisory_unlock(1)")


async def lose_answer(
    direct: asyncpg.Connection, line: Proxy, request: "asyncio.Task[httpx.Response]"
) -> httpx.Response:
    """The answer to a request whose commit succeeded, but whose confirmation was lost."""

    async def waits() -> bool:
        return bool(await direct.fetchval(WAITING))

    async with commits_held(direct):
        await eventually(waits)
        line.cut()
        return await request


async def test_a_chunk_with_a_lost_receipt_is_confirmed_when_it_is_sent_again(
    api: Api, direct: asyncpg.Connection, line: Proxy
) -> None:
    upload = await api.init(CONTENT, chunkSize=65_536)
    stored = "SELECT received_chunks FROM upload"

    async def is_stored() -> bool:
        return bool(await direct.fetchval(stored) == slot["index"] + 1)

    for slot in upload["slots"]["nodes"]:
        lost = await lose_answer(direct, line, asyncio.create_task(api.put(slot, CONTENT)))
        assert (lost.status_code, lost.json()["code"]) == (503, "TEMPORARILY_UNAVAILABLE")
        await eventually(is_stored)
        again = await api.put(slot, CONTENT)
        assert (again.status_code, again.json()["receivedChunks"]) == (200, slot["index"] + 1)
    assert again.json()["complete"]
    assert await direct.fetchval("SELECT status FROM upload") == UploadStatus.REASSEMBLING.value
    assert await direct.fetchval("SELECT count(*) FROM job WHERE state = 'QUEUED'") == 1


async def test_an_upload_with_a_lost_answer_is_returned_when_it_is_started_again(
    api: Api, direct: asyncpg.Connection, line: Proxy
) -> None:
    given = {"fileName": "a", "size": len(CONTENT), "idempotencyKey": "key"}
    body = {"query": INIT, "variables": {"input": given}}
    lost = await lose_answer(direct, line, asyncio.create_task(api.http.post("/graphql", json=body)))
    assert "TEMPORARILY_UNAVAILABLE" in lost.text

    async def stored() -> object:
        return await direct.fetchval("SELECT id FROM upload")

    known = await eventually(stored)
    upload = await api.init(CONTENT, **given)
    assert key_of(upload["id"]) == known
    assert (await api.put(upload["slots"]["nodes"][0], CONTENT)).json()["complete"]


async def test_a_file_with_a_lost_publication_appears_once(
    api: Api, direct: asyncpg.Connection, line: Proxy, worker: None
) -> None:
    await direct.execute(f"DROP TRIGGER wait ON upload; {END_WAITS}")

    async def waits() -> bool:
        return bool(await direct.fetchval(WAITING))

    async with commits_held(direct):
        upload = await api.upload(CONTENT)
        await eventually(waits)
        line.cut()
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    for table in ("file_version", "blob", "job WHERE state = 'DONE'"):
        assert await direct.fetchval(f"SELECT count(*) FROM {table}") == 1
    file = (await api.look(upload["id"]))["file"]
    assert (await api.http.get(file["downloadUrl"])).content == CONTENT


async def test_a_database_that_is_away_costs_refusals_and_nothing_else(
    api: Api, direct: asyncpg.Connection, line: Proxy, worker: None, caplog: pytest.LogCaptureFixture
) -> None:
    upload = await api.init(CONTENT, chunkSize=65_536)
    first, last = upload["slots"]["nodes"]
    assert (await api.put(first, CONTENT)).status_code == 200
    line.open = False
    line.cut()
    answers = await asyncio.gather(*(api.put(last, CONTENT) for _ in range(20)))
    assert {answer.json()["code"] for answer in answers} <= {"TEMPORARILY_UNAVAILABLE", "SLOT_BUSY"}
    asked = await api.call("{ files { nodes { id } } }")
    assert asked["errors"][0]["extensions"]["code"] == "TEMPORARILY_UNAVAILABLE", asked
    assert (await api.http.get("/healthz")).status_code == 200
    assert "database" in (await api.http.get("/readyz")).text
    line.open = True
    assert (await api.put(last, CONTENT)).json()["complete"]
    assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"
    assert not [record for record in caplog.records if record.name.startswith("asyncpg")]


async def test_an_event_that_comes_while_the_database_is_away_does_not_end_its_subscription(
    api: Api, line: Proxy, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.uploads.AWAY_SECONDS", 0.05)
    upload = await api.init(CONTENT, chunkSize=65_536)
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    headers = {"Accept": "text/event-stream"}
    async with (
        asyncio.timeout(60),
        running(redis_url) as log,
        api.http.stream("POST", "/graphql", json=body, headers=headers) as response,
    ):
        events = sse_events(response)
        await anext(events)
        line.open = False
        line.cut()
        await log.publish(
            str(key_of(upload["id"])), receiving_frame(key_of(upload["id"]), 1, len(CONTENT)).to_payload()
        )
        shown = asyncio.ensure_future(anext(events))
        asked = asyncio.create_task(line.refuses(3))
        await asyncio.wait({shown, asked}, return_when=asyncio.FIRST_COMPLETED)
        assert not shown.done(), shown.result()
        line.open = True
        assert (await shown)["data"]["uploadProgress"]["bytesDone"] == 1
