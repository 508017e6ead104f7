"""Credentials are read at most every two seconds, and streams end with them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from uuid import UUID, uuid4

import pytest

from services.accounts import live_checks, recent_reads
from services.accounts.live_checks import LiveChecks
from storage.errors import DatabaseUnavailable
from tests.support.waiting import eventually

ADA, BOB = uuid4(), uuid4()


class Credentials:
    """Credentials in a database that may be slow or away."""

    def __init__(self, *keys: UUID) -> None:
        self.keys = set(keys)
        self.queries: list[list[UUID]] = []
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def find(self, keys: Sequence[UUID]) -> Collection[UUID]:
        """Read them. Closing one while the query runs comes too late for it."""
        self.queries.append(list(keys))
        found = self.keys.intersection(keys)
        await self.answers.wait()
        if self.error:
            raise self.error
        return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait until the condition holds."""

    async def look() -> bool:
        return holds()

    await eventually(look)


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(ADA, BOB)


@pytest.fixture
async def checks(credentials: Credentials) -> AsyncIterator[LiveChecks]:
    checks = LiveChecks(credentials.find)
    await checks.start()
    yield checks
    await checks.close()


@pytest.fixture
def _frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll all the time."""
    monkeypatch.setattr(live_checks, "POLL_SECONDS", 0.01)


async def test_credentials_that_exist_are_trusted_for_a_while(checks: LiveChecks, credentials: Credentials) -> None:
    assert [await checks.is_live(ADA) for _ in range(9)] == [True] * 9
    assert credentials.queries == [[ADA]]


async def test_credentials_are_read_again_after_that(
    checks: LiveChecks, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await checks.is_live(ADA)
    credentials.keys.remove(ADA)
    monkeypatch.setattr(recent_reads, "LIFE_SECONDS", 0)
    assert not await checks.is_live(ADA)


async def test_credentials_that_do_not_exist_are_read_each_time(checks: LiveChecks, credentials: Credentials) -> None:
    unknown = uuid4()
    assert [await checks.is_live(unknown) for _ in range(2)] == [False, False]
    credentials.keys.add(unknown)
    assert await checks.is_live(unknown)


async def test_simultaneous_requests_share_a_query(checks: LiveChecks, credentials: Credentials) -> None:
    credentials.answers.clear()
    first = asyncio.ensure_future(checks.is_live(ADA))
    await until(lambda: credentials.queries == [[ADA]])
    others = [asyncio.ensure_future(checks.is_live(key)) for key in (ADA, BOB, uuid4(), BOB)]
    await asyncio.sleep(0)
    credentials.answers.set()
    assert await asyncio.gather(first, *others) == [True, True, True, False, True]
    assert [len(query) for query in credentials.queries] == [1, 2]


async def test_a_request_that_is_cancelled_does_not_end_the_query_of_the_others(
    checks: LiveChecks, credentials: Credentials
) -> None:
    credentials.answers.clear()
    gone, waiting = (asyncio.ensure_future(checks.is_live(ADA)) for _ in range(2))
    await until(lambda: bool(credentials.queries))
    gone.cancel()
    await asyncio.sleep(0)
    credentials.answers.set()
    assert await waiting


async def test_the_process_that_closes_credentials_forgets_them_at_once(
    checks: LiveChecks, credentials: Credentials
) -> None:
    assert await checks.is_live(ADA)
    credentials.keys.remove(ADA)
    checks.forget([ADA])
    assert not await checks.is_live(ADA)


async def test_a_query_that_began_before_a_close_is_not_trusted_after_it(
    checks: LiveChecks, credentials: Credentials
) -> None:
    credentials.answers.clear()
    early = asyncio.ensure_future(checks.is_live(ADA))
    await until(lambda: bool(credentials.queries))
    credentials.keys.remove(ADA)
    checks.forget([ADA])
    late = asyncio.ensure_future(checks.is_live(ADA))
    await asyncio.sleep(0)
    credentials.answers.set()
    assert [await early, await late] == [True, False]
    assert not await checks.is_live(ADA)


async def test_requests_that_need_the_database_say_that_it_is_away(
    checks: LiveChecks, credentials: Credentials
) -> None:
    assert await checks.is_live(BOB)
    credentials.error = DatabaseUnavailable("away")
    found = await asyncio.gather(*(checks.is_live(ADA) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in found] == [DatabaseUnavailable] * 3
    assert await checks.is_live(BOB)
    credentials.error = None
    assert await checks.is_live(ADA)


@pytest.mark.usefixtures("_frequent")
async def test_the_streams_of_closed_credentials_end_and_the_others_go_on(
    checks: LiveChecks, credentials: Credentials
) -> None:
    ends = {ADA: asyncio.Event(), BOB: asyncio.Event()}
    for key, event in ends.items():
        checks.watch(key, event.set)
    credentials.keys.remove(ADA)
    await until(ends[ADA].is_set)
    assert not ends[BOB].is_set()
    assert sorted(credentials.queries[-1]) == sorted([ADA, BOB])


@pytest.mark.usefixtures("_frequent")
async def test_the_database_is_not_read_without_streams(checks: LiveChecks, credentials: Credentials) -> None:
    stop, stop_again = (checks.watch(ADA, lambda: None) for _ in range(2))
    await until(lambda: bool(credentials.queries))
    stop()
    stop_again()
    stop_again()
    await asyncio.sleep(0.05)
    asked = len(credentials.queries)
    await asyncio.sleep(0.1)
    assert len(credentials.queries) == asked


@pytest.mark.usefixtures("_frequent")
async def test_streams_go_on_while_the_database_is_away_and_are_checked_after_that(
    checks: LiveChecks, credentials: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()
    checks.watch(ADA, ended.set)
    credentials.error, credentials.keys = DatabaseUnavailable("away"), set()
    await until(lambda: len(credentials.queries) > 3)
    assert not ended.is_set()
    assert caplog.text.count("not checked until the database is back") == 1
    credentials.error = None
    await until(ended.is_set)


@pytest.mark.usefixtures("_frequent")
async def test_a_fault_does_not_end_the_checks_of_streams(checks: LiveChecks, credentials: Credentials) -> None:
    ended = asyncio.Event()
    checks.watch(ADA, ended.set)
    credentials.error, credentials.keys = ValueError("fault"), set()
    await until(lambda: len(credentials.queries) > 3)
    credentials.error = None
    await until(ended.is_set)


async def test_a_request_that_waits_for_its_query_is_answered_if_its_credentials_are_closed_meanwhile(
    checks: LiveChecks, credentials: Credentials
) -> None:
    credentials.answers.clear()
    running = asyncio.ensure_future(checks.is_live(BOB))
    await until(lambda: bool(credentials.queries))
    waiting = asyncio.ensure_future(checks.is_live(ADA))
    await asyncio.sleep(0)
    credentials.keys.remove(ADA)
    checks.forget([ADA])
    credentials.answers.set()
    async with asyncio.timeout(30):
        assert [await running, await waiting] == [True, False]
