"""The owner of a session shows the password again before credentials are changed."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from services.accounts.errors import (
    InvalidCredentials,
    ReauthenticationRequired,
    TooManyAttempts,
    Unauthenticated,
)
from services.accounts.sessions.sessions import RECENT
from services.accounts.sign_in.reauthentication import Reauthentication
from services.accounts.tokens import Viewer
from services.core.clock import now
from storage.accounts.models import Account
from tests.services.accounts.conftest import CLIENT, AccountServices, World
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.clock import Clocks
from tests.support.server import PASSWORD

WRONG = "not the password of ada"


@pytest.fixture
def accounts(world: World) -> AccountServices:
    return world.accounts()


@pytest.fixture
async def viewer(accounts: AccountServices, sink: SmtpSink) -> Viewer:
    opened = await accounts.join(sink)
    return Viewer(opened.account.id, opened.session.id)


@pytest.fixture
def later(clocks: Clocks) -> Callable[[timedelta], None]:
    """Advance the time."""
    return lambda by: setattr(clocks, "passed", by)


def reauthentication(accounts: AccountServices) -> Reauthentication:
    return Reauthentication(accounts.sign_in)


async def test_the_password_makes_a_session_recent_for_ten_minutes(
    accounts: AccountServices, viewer: Viewer, later: Callable[[timedelta], None]
) -> None:
    later(timedelta(minutes=30))
    with pytest.raises(ReauthenticationRequired):
        await accounts.sessions.require_recent_authentication(viewer)
    until = await reauthentication(accounts).by_password(viewer, PASSWORD)
    assert now() < until <= now() + RECENT
    await accounts.sessions.require_recent_authentication(viewer)


async def test_a_wrong_password_changes_nothing_and_several_are_delayed(
    accounts: AccountServices, viewer: Viewer, later: Callable[[timedelta], None]
) -> None:
    later(timedelta(minutes=30))
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await reauthentication(accounts).by_password(viewer, WRONG)
    with pytest.raises(TooManyAttempts):
        await reauthentication(accounts).by_password(viewer, PASSWORD)
    with pytest.raises(ReauthenticationRequired):
        await accounts.sessions.require_recent_authentication(viewer)


async def test_one_session_does_not_become_recent_by_another(
    accounts: AccountServices, viewer: Viewer, later: Callable[[timedelta], None]
) -> None:
    account = await Account.get(id=viewer.account_id)
    other = Viewer(account.id, (await accounts.sessions.open(account, CLIENT)).session.id)
    later(timedelta(minutes=30))
    await reauthentication(accounts).by_password(other, PASSWORD)
    with pytest.raises(ReauthenticationRequired):
        await accounts.sessions.require_recent_authentication(viewer)


async def test_a_viewer_without_a_session_cannot_show_the_password(accounts: AccountServices, viewer: Viewer) -> None:
    with pytest.raises(ReauthenticationRequired):
        await reauthentication(accounts).by_password(Viewer(viewer.account_id), PASSWORD)


async def test_a_session_that_was_closed_meanwhile_is_refused(
    accounts: AccountServices, viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def close(account: Account, password: str, session_id: UUID, **_: object) -> None:
        await accounts.sessions.close(session_id)

    with monkeypatch.context() as patch:
        patch.setattr(accounts.sign_in, "verify_password", close)
        with pytest.raises(Unauthenticated):
            await reauthentication(accounts).by_password(viewer, PASSWORD)
    with pytest.raises(Unauthenticated):
        await reauthentication(accounts).by_password(viewer, PASSWORD)
