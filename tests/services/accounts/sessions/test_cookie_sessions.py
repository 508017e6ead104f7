"""The session of a cookie ends when it is not used, and at the latest by the absolute limit."""

import asyncio
import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest

from services.accounts.errors import InvalidCredentials, Unauthenticated
from services.accounts.sessions.cookie_sessions import new_secret, seconds_left
from services.accounts.sessions.session_limits import SessionLimits
from services.accounts.sessions.sessions import Client, Sessions
from services.accounts.tokens import AccessTokens
from services.accounts.types import OpenSession
from services.core.clock import now
from storage.accounts.models import Account, Session
from tests.conftest import KEYS
from tests.support.clock import Clocks
from tests.support.faults.disk import files_end_at

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LIMITS = SessionLimits(idle=7 * DAY, absolute=8 * DAY)
BROWSER = Client("192.0.2.1", "Firefox", keeps_cookie=True)

pytestmark = pytest.mark.usefixtures("database")


class Process:
    """The services of one process."""

    def __init__(self, limits: SessionLimits = LIMITS) -> None:
        self.sessions = Sessions(AccessTokens(KEYS, HOUR), KEYS, limits)
        self.cookies = self.sessions.cookies

    async def max_age(self, secret: str) -> int | None:
        """Use a cookie. The result says for how many seconds to set it again."""
        return (await self.cookies.use(secret)).max_age

    async def is_open(self, secret: str) -> bool:
        try:
            await self.cookies.use(secret)
        except Unauthenticated:
            return False
        return True


@pytest.fixture
async def account(database: str) -> Account:
    return await Account.create(user_id="anna", name="Anna", email="anna@example.org", password_hash="x")


@pytest.fixture
async def opened(account: Account) -> OpenSession:
    """A session with a cookie."""
    return await Process().sessions.open(account, BROWSER)


@pytest.fixture
def secret(opened: OpenSession) -> str:
    assert opened.cookie
    return opened.cookie


async def stored(opened: OpenSession) -> Session:
    return await Session.get(id=opened.session.id)


async def test_a_session_with_a_cookie_has_no_tokens_and_only_the_hash_of_its_secret(
    opened: OpenSession, secret: str
) -> None:
    assert (opened.access_token, opened.refresh_token) == ("", "")
    row = await stored(opened)
    assert row.cookie_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert row.refresh_hash == ""
    assert secret not in repr(vars(row))


async def test_a_session_with_tokens_has_no_cookie(account: Account) -> None:
    opened = await Process().sessions.open(account, Client())
    assert opened.cookie is None
    assert opened.refresh_token
    assert (await stored(opened)).cookie_hash is None


async def test_every_secret_is_another_one() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {43}


async def test_the_viewer_is_that_of_the_session(opened: OpenSession, secret: str) -> None:
    viewer = (await Process().cookies.use(secret)).viewer
    assert (viewer.account_id, viewer.session_id) == (opened.account.id, opened.session.id)


@pytest.mark.parametrize("value", ["", "x", "A" * 43, f"{'A' * 43}=", f" {'A' * 43}", "é" * 43, "A" * 10_000])
async def test_any_other_value_is_refused(opened: OpenSession, value: str) -> None:
    assert not await Process().is_open(value)


async def test_the_refresh_hash_of_a_session_with_a_cookie_fits_no_token(opened: OpenSession, secret: str) -> None:
    process = Process()
    for token in ("", secret, f"{opened.session.id}.", f"{opened.session.id}.{secret}", f"{opened.session.id}.x.y"):
        with pytest.raises(InvalidCredentials):
            await process.sessions.refresh(token)
    assert await process.is_open(secret)


async def test_a_use_moves_the_end_of_an_idle_session(opened: OpenSession, secret: str, clocks: Clocks) -> None:
    clocks.passed = 6 * HOUR
    assert await Process().max_age(secret) == pytest.approx(LIMITS.idle.total_seconds(), abs=60)
    assert (await stored(opened)).expires_at - opened.session.expires_at >= 6 * HOUR - timedelta(minutes=1)


async def test_a_process_moves_the_end_once_a_minute(opened: OpenSession, secret: str, clocks: Clocks) -> None:
    clocks.passed = HOUR
    process = Process()
    ages = await asyncio.gather(*(process.max_age(secret) for _ in range(5)))
    assert len([age for age in ages if age is not None]) == 1
    assert await process.max_age(secret) is None


async def test_another_process_does_not_write_again_within_a_minute(
    opened: OpenSession, secret: str, clocks: Clocks
) -> None:
    clocks.passed = HOUR
    await Process().cookies.use(secret)
    first = (await stored(opened)).expires_at
    clocks.passed = HOUR + timedelta(seconds=30)
    assert await Process().max_age(secret) is not None
    assert (await stored(opened)).expires_at == first


async def test_a_session_that_was_not_used_for_too_long_is_over(secret: str, clocks: Clocks) -> None:
    clocks.passed = LIMITS.idle + timedelta(minutes=1)
    assert not await Process().is_open(secret)


async def test_no_use_moves_the_absolute_end(opened: OpenSession, secret: str, clocks: Clocks) -> None:
    clocks.passed = 6 * DAY
    assert await Process().max_age(secret) == pytest.approx((2 * DAY).total_seconds(), abs=60)
    clocks.passed = 8 * DAY + timedelta(minutes=1)
    assert not await Process().is_open(secret)


async def test_a_shorter_limit_holds_from_the_next_use(opened: OpenSession, secret: str) -> None:
    limits = SessionLimits(idle=HOUR, absolute=8 * DAY)
    assert await Process(limits).max_age(secret) == pytest.approx(HOUR.total_seconds(), abs=60)
    assert (await stored(opened)).expires_at <= now() + HOUR


async def test_a_closed_session_is_refused_at_once_by_the_process_that_closes_it(
    opened: OpenSession, secret: str
) -> None:
    process = Process()
    assert await process.is_open(secret)
    await process.sessions.close(opened.session.id)
    assert not await process.is_open(secret)


async def test_the_sessions_of_a_disabled_account_are_refused(opened: OpenSession, secret: str) -> None:
    await Account.filter(id=opened.account.id).update(disabled_at=now())
    assert not await Process().is_open(secret)


async def test_a_session_of_the_past_has_no_time_left(opened: OpenSession, clocks: Clocks) -> None:
    clocks.passed = 9 * DAY
    assert seconds_left(opened.session) == 0


@pytest.mark.sqlite
async def test_a_cookie_is_accepted_while_the_disk_is_full(secret: str, clocks: Clocks) -> None:
    clocks.passed = HOUR
    with files_end_at(0):
        assert await Process().max_age(secret) is None
    assert await Process().max_age(secret) is not None


async def test_an_unknown_session_closes_nothing(opened: OpenSession, secret: str) -> None:
    process = Process()
    assert not await process.sessions.close(uuid4())
    assert await process.is_open(secret)
