"""Only a refresh token that this server has issued can close its session."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.accounts.errors import InvalidCredentials
from services.accounts.sessions import Client, SessionLimits, Sessions
from services.accounts.tokens import AccessTokens
from services.accounts.types import OpenSession
from services.core.keys import SecretKey
from storage.accounts.models import Account
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
