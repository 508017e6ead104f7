"""A session ends when it was not used for long, and at the latest at its absolute end."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.accounts.errors import InvalidCredentials, ReauthenticationRequired
from services.accounts.sessions.session_limits import end_of
from services.accounts.sessions.sessions import RECENT, Client, SessionLimits, Sessions
from services.accounts.tokens import AccessTokens, Viewer
from services.core.clock import now
from services.core.keys import SecretKey
from storage.accounts.models import Account, Session
from storage.database.pages import Window
from tests.support.clock import Clocks

KEYS = (SecretKey("test", b"the secret that everything began with"),)
IDLE, ABSOLUTE = timedelta(days=30), timedelta(days=180)


def sessions(number: int = 100) -> Sessions:
    limits = SessionLimits(IDLE, number, ABSOLUTE)
    return Sessions(AccessTokens(KEYS, timedelta(minutes=15)), KEYS, limits)


@pytest.fixture
async def account(database: str) -> Account:
    return await Account.create(user_id="ada", name="Ada", email="ada@example.org", password_hash="x")


@pytest.fixture
def later(clocks: Clocks) -> Callable[[timedelta], None]:
    """Advance the time."""
    return lambda by: setattr(clocks, "passed", by)


async def test_a_session_that_is_refreshed_all_the_time_ends_at_its_absolute_end(
    account: Account, later: Callable[[timedelta], None]
) -> None:
    opened = await sessions().open(account, Client())
    for days in range(29, 180, 29):
        later(timedelta(days=days))
        opened = await sessions().refresh(opened.refresh_token)
        assert await sessions().live.is_live(opened.session.id)
    later(ABSOLUTE - timedelta(hours=1))
    opened = await sessions().refresh(opened.refresh_token)
    later(ABSOLUTE + timedelta(hours=1))
    with pytest.raises(InvalidCredentials):
        await sessions().refresh(opened.refresh_token)
    assert not await sessions().live.is_live(opened.session.id)
    assert await sessions().find(opened.session.id) is None
    assert await sessions().page(account.id, Window(10)) == []
    assert await sessions().count(account.id) == 0


async def test_a_session_of_an_older_version_ends_as_if_it_had_an_absolute_end(
    account: Account, later: Callable[[timedelta], None]
) -> None:
    opened = await sessions().open(account, Client())
    await Session.all().update(ends_at=None, expires_at=now() + timedelta(days=999))
    later(ABSOLUTE - timedelta(hours=1))
    assert await sessions().live.is_live(opened.session.id)
    found = await sessions().find(opened.session.id)
    assert found
    assert end_of(found) == found.created_at + ABSOLUTE
    later(ABSOLUTE + timedelta(hours=1))
    assert not await sessions().live.is_live(opened.session.id)
    assert await sessions().find(opened.session.id) is None


async def test_the_end_that_is_shown_is_the_earlier_one(account: Account, later: Callable[[timedelta], None]) -> None:
    opened = await sessions().open(account, Client())
    assert end_of(opened.session) == opened.session.created_at + IDLE
    (listed,) = await sessions().page(account.id, Window(10))
    assert end_of(listed) == end_of(opened.session)
    await Session.all().update(ends_at=now() + timedelta(days=1))
    refreshed = await sessions().refresh(opened.refresh_token)
    assert end_of(refreshed.session) == refreshed.session.ends_at


async def test_a_session_of_a_disabled_account_is_not_live(account: Account) -> None:
    opened = await sessions().open(account, Client())
    await Account.filter(id=account.id).update(disabled_at=now())
    assert not await sessions().live.is_live(opened.session.id)


async def test_the_session_that_is_displaced_by_another_is_forgotten_at_once(account: Account) -> None:
    here = sessions(number=1)
    first = await here.open(account, Client())
    assert await here.live.is_live(first.session.id)
    second = await here.open(account, Client())
    assert not await here.live.is_live(first.session.id)
    assert await here.live.is_live(second.session.id)


@pytest.mark.parametrize("change", [{"password_changed_at": now()}, {"disabled_at": now()}])
async def test_a_sign_in_that_began_before_a_change_of_the_account_opens_no_session(
    account: Account, change: dict[str, object]
) -> None:
    await Account.filter(id=account.id).update(**change)
    with pytest.raises(InvalidCredentials):
        await sessions().open(account, Client())
    assert await Session.all().count() == 0


async def test_a_sign_in_is_recent_for_ten_minutes(account: Account, later: Callable[[timedelta], None]) -> None:
    viewer = Viewer(account.id, (await sessions().open(account, Client())).session.id)
    later(RECENT - timedelta(seconds=5))
    await sessions().require_recent_authentication(viewer)
    later(RECENT + timedelta(seconds=5))
    with pytest.raises(ReauthenticationRequired):
        await sessions().require_recent_authentication(viewer)


async def test_a_refresh_is_not_a_sign_in(account: Account, later: Callable[[timedelta], None]) -> None:
    opened = await sessions().open(account, Client())
    later(RECENT + timedelta(seconds=5))
    opened = await sessions().refresh(opened.refresh_token)
    with pytest.raises(ReauthenticationRequired):
        await sessions().require_recent_authentication(Viewer(account.id, opened.session.id))


async def test_a_viewer_without_a_session_has_not_signed_in(account: Account) -> None:
    with pytest.raises(ReauthenticationRequired):
        await sessions().require_recent_authentication(Viewer(account.id))
