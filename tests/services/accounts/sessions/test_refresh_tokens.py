"""Only a refresh token that this server has issued can close its session."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.accounts.errors import InvalidCredentials
from services.accounts.sessions.refresh_tokens import digest
from services.accounts.sessions.sessions import REPEATABLE, Client, SessionLimits, Sessions
from services.accounts.tokens import AccessTokens
from services.accounts.types import OpenSession
from services.core.clock import now
from services.core.keys import SecretKey
from storage.accounts.models import Account, Session
from tests.support.clock import Clocks

OLD = SecretKey("old", b"the secret that everything began with")
NEW = SecretKey("new", b"the secret that came in its place ...")


def sessions(*keys: SecretKey) -> Sessions:
    keys = keys or (OLD,)
    return Sessions(AccessTokens(keys, timedelta(minutes=15)), keys, SessionLimits(timedelta(hours=1)))


@pytest.fixture
async def opened(database: str) -> OpenSession:
    account = await Account.create(user_id="ada", name="Ada", email="ada@example.org", password_hash="x")
    return await sessions().open(account, Client())


@pytest.fixture
def later(clocks: Clocks) -> Callable[[timedelta], None]:
    """Advance the time."""
    return lambda by: setattr(clocks, "passed", by)


async def is_refused(token: str, *keys: SecretKey) -> bool:
    try:
        await sessions(*keys).refresh(token)
    except InvalidCredentials:
        return True
    return False


@pytest.mark.parametrize("secret", ["garbage", "", "garbage.garbage", "a.b.c.d", "\0", "\ud800", "x" * 10_000])
async def test_a_stranger_who_knows_the_id_of_a_session_cannot_close_it(opened: OpenSession, secret: str) -> None:
    assert await is_refused(f"{opened.session.id}.{secret}")
    assert not await is_refused(opened.refresh_token)


async def test_a_token_that_was_altered_does_not_close_its_session(opened: OpenSession) -> None:
    last = opened.refresh_token[-1]
    assert await is_refused(opened.refresh_token[:-1] + ("A" if last != "A" else "B"))
    assert await is_refused(opened.refresh_token + "x")
    assert not await is_refused(opened.refresh_token)


async def test_a_token_that_was_used_before_closes_its_session(
    opened: OpenSession, later: Callable[[timedelta], None]
) -> None:
    fresh = await sessions().refresh(opened.refresh_token)
    later(REPEATABLE + timedelta(seconds=5))
    assert await is_refused(opened.refresh_token)
    assert await is_refused(fresh.refresh_token)
    assert await Session.all().count() == 0


async def test_a_token_that_was_used_before_closes_its_session_after_a_change_of_keys(opened: OpenSession) -> None:
    newer = await sessions().refresh(opened.refresh_token)
    await sessions(NEW, OLD).refresh(newer.refresh_token)
    assert await is_refused(opened.refresh_token, NEW, OLD)
    assert await Session.all().count() == 0


async def test_a_token_under_a_key_that_was_removed_works_while_it_is_the_newest(opened: OpenSession) -> None:
    fresh = await sessions(NEW).refresh(opened.refresh_token)
    assert not await is_refused(fresh.refresh_token, NEW)


async def test_a_used_token_under_a_key_that_was_removed_closes_nothing(opened: OpenSession) -> None:
    first = await sessions(NEW).refresh(opened.refresh_token)
    second = await sessions(NEW).refresh(first.refresh_token)
    assert await is_refused(opened.refresh_token, NEW)
    assert not await is_refused(second.refresh_token, NEW)


async def token_of_an_older_version(opened: OpenSession) -> str:
    """A token of version 0.1, in place of the newest one."""
    token = f"{opened.session.id}.{'s' * 43}"
    await Session.filter(id=opened.session.id).update(refresh_hash=digest(token), ends_at=None)
    return token


async def test_a_token_without_a_tag_works_while_it_is_the_newest(opened: OpenSession) -> None:
    token = await token_of_an_older_version(opened)
    fresh = await sessions().refresh(token)
    assert (await sessions().refresh(token)).refresh_token == fresh.refresh_token
    assert not await is_refused(fresh.refresh_token)


async def test_a_used_token_without_a_tag_closes_nothing(
    opened: OpenSession, later: Callable[[timedelta], None]
) -> None:
    token = await token_of_an_older_version(opened)
    fresh = await sessions().refresh(token)
    later(REPEATABLE + timedelta(seconds=5))
    assert await is_refused(token)
    assert not await is_refused(fresh.refresh_token)


async def test_the_tag_of_one_session_is_not_that_of_another(opened: OpenSession) -> None:
    other = await sessions().open(opened.account, Client())
    _, secret, tag = opened.refresh_token.split(".")
    assert await is_refused(f"{other.session.id}.{secret}.{tag}")
    assert not await is_refused(other.refresh_token)


async def test_a_disabled_account_cannot_refresh(opened: OpenSession) -> None:
    await Account.filter(id=opened.account.id).update(disabled_at=now())
    assert await is_refused(opened.refresh_token)
    await Account.filter(id=opened.account.id).update(disabled_at=None)
    assert not await is_refused(opened.refresh_token)
