"""The tokens of a stored session: refreshed in time, by one process at a time, and stored before they are used."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cloudkeep.client.api.documents import ME, REFRESH_SESSION
from cloudkeep.client.api.graphql import GraphQL, Json
from cloudkeep.client.api.session import Session as ApiSession
from cloudkeep.client.api.sign_in import sign_in
from cloudkeep.client.credentials.private_folder import PrivateFolder
from cloudkeep.client.credentials.refresh_lock import refresh_lock
from cloudkeep.client.credentials.store import CredentialStore
from cloudkeep.client.credentials.stored_tokens import StoredTokens, stored_session
from cloudkeep.client.credentials.system_keyring import SystemKeyring
from cloudkeep.client.credentials.types import ServerCredentials, StoredSession
from cloudkeep.client.errors import RetryableError, SignInError
from storage.accounts.models import Session
from tests.cloudkeep.client.accounts.conftest import Ended, command, program
from tests.cloudkeep.client.credentials.conftest import UseKeyring
from tests.cloudkeep.client.credentials.fake_keyrings import Working
from tests.support.server import PASSWORD, Api

#: Seconds.
LONG_FOR_A_LOGOUT = 5.0
STALE = "not.a.token"
#: Ends itself, as by SIGKILL, when the server has answered and nothing is stored yet.
KILLED_BEFORE_THE_STORE = """
import os, signal
from cloudkeep.client.credentials.store import CredentialStore
CredentialStore.save = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from cloudkeep.cli.main import main
main()
"""


class CountingGraphQL(GraphQL):
    """Counts the refreshes."""

    refreshes = 0

    async def execute(self, document: str, variables: Json, token: str | None) -> Any:
        """See :class:`GraphQL`."""
        self.refreshes += document == REFRESH_SESSION
        return await super().execute(document, variables, token)


@pytest.fixture
def graphql(client: httpx.AsyncClient, server: str) -> CountingGraphQL:
    """The server's GraphQL endpoint."""
    return CountingGraphQL(client, server)


@pytest.fixture
def folder(config_home: Any) -> PrivateFolder:
    """The folder of the commands."""
    return PrivateFolder(config_home / "cloudkeep")


@pytest.fixture
async def session(api: Api, graphql: GraphQL, store: CredentialStore, server: str) -> StoredSession:
    """A stored session, whose access token is about to expire."""
    user_id = (await api.data("{ me { userId } }"))["userId"]
    opened = stored_session(await sign_in(graphql, user_id, PASSWORD))
    expiring = replace(opened, access_token=STALE, expires_at=datetime.now(UTC) + timedelta(seconds=5))
    store.save_sign_in(server, ServerCredentials(expiring))
    return expiring


@pytest.fixture
def tokens(graphql: GraphQL, folder: PrivateFolder, server: str, session: StoredSession) -> Callable[[], StoredTokens]:
    """The tokens as another process has them."""
    return lambda: StoredTokens(graphql, CredentialStore(folder, SystemKeyring()), server, session)


async def test_an_access_token_is_refreshed_before_it_expires_and_stored(
    tokens: Callable[[], StoredTokens], store: CredentialStore, server: str, session: StoredSession
) -> None:
    fresh = await tokens().current()
    stored = store.load(server).session
    assert stored
    assert fresh == stored.access_token != STALE
    assert (stored.session_id, stored.user_id) == (session.session_id, session.user_id)
    assert stored.refresh_token != session.refresh_token


@pytest.mark.parametrize("backend", [None, Working])
async def test_processes_at_the_same_time_refresh_a_session_once(
    tokens: Callable[[], StoredTokens],
    graphql: CountingGraphQL,
    use_keyring: UseKeyring,
    store: CredentialStore,
    server: str,
    session: StoredSession,
    backend: type[Working] | None,
) -> None:
    use_keyring(backend)
    store.save_sign_in(server, ServerCredentials(session))
    fresh = await asyncio.gather(*(tokens().current() for _ in range(4)))
    assert (len(set(fresh)), graphql.refreshes) == (1, 1)
    assert await ApiSession(graphql, tokens()).execute(ME)


async def test_a_token_that_the_server_refuses_is_refreshed_as_well(
    tokens: Callable[[], StoredTokens], graphql: GraphQL, store: CredentialStore, server: str, session: StoredSession
) -> None:
    valid_by_the_clock = replace(session, expires_at=datetime.now(UTC) + timedelta(hours=1))
    store.save(server, ServerCredentials(valid_by_the_clock))
    assert await ApiSession(graphql, StoredTokens(graphql, store, server, valid_by_the_clock)).execute(ME)


async def test_a_clock_that_is_ahead_refreshes_once_and_not_for_every_request(
    tokens: Callable[[], StoredTokens], graphql: CountingGraphQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudkeep.client.credentials.stored_tokens.MARGIN", timedelta(days=1))
    api = ApiSession(graphql, tokens())
    for _ in range(3):
        assert await api.execute(ME)
    assert graphql.refreshes == 1


async def test_after_a_kill_between_answer_and_store_the_next_command_works(
    session: StoredSession, store: CredentialStore, server: str
) -> None:
    assert (await program(KILLED_BEFORE_THE_STORE, "whoami")).code == -9
    assert store.load(server).session == session
    assert (await command("whoami")).code == 0


async def test_long_after_such_a_kill_the_next_command_says_to_sign_in_again(
    session: StoredSession, server: str
) -> None:
    assert (await program(KILLED_BEFORE_THE_STORE, "whoami")).code == -9
    await Session.all().update(rotated_at=datetime.now(UTC) - timedelta(minutes=5))
    ended = await command("whoami")
    assert (ended.code, ended.out) == (2, [])
    assert ended.err == [
        f"cloudkeep: the session of {session.user_id} at {server} has ended; sign in again with "
        f"`cloudkeep login --url {server}`"
    ]


async def test_a_cancelled_command_stores_what_the_server_has_answered(
    tokens: Callable[[], StoredTokens], store: CredentialStore, server: str, session: StoredSession, monkeypatch: Any
) -> None:
    begun, save = asyncio.Event(), CredentialStore.save
    loop = asyncio.get_running_loop()

    def slow(self: CredentialStore, url: str, credentials: ServerCredentials) -> None:
        loop.call_soon_threadsafe(begun.set)
        save(self, url, credentials)

    monkeypatch.setattr(CredentialStore, "save", slow)
    task = asyncio.create_task(tokens().current())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stored = store.load(server).session
    assert stored
    assert stored.refresh_token != session.refresh_token


async def test_after_a_logout_by_another_command_nothing_is_refreshed(
    tokens: Callable[[], StoredTokens], store: CredentialStore, server: str, graphql: CountingGraphQL
) -> None:
    waiting = tokens()
    store.remove_session(server)
    with pytest.raises(SignInError, match=f"^another command has signed out of {server}; run this one again$"):
        await waiting.current()
    assert graphql.refreshes == 0


class LogoutMeanwhile(GraphQL):
    """Another command signs out while the server answers a refresh."""

    logout: asyncio.Task[Ended]

    async def execute(self, document: str, variables: Json, token: str | None) -> Any:
        """See :class:`GraphQL`."""
        answer = await super().execute(document, variables, token)
        if document == REFRESH_SESSION:
            self.logout = asyncio.create_task(command("logout"))
            # It cannot end before the refresh does. The time is for it to begin.
            await asyncio.wait({self.logout}, timeout=LONG_FOR_A_LOGOUT)
        return answer


async def test_a_refresh_stores_no_session_that_another_command_has_ended_meanwhile(
    client: httpx.AsyncClient, store: CredentialStore, server: str, session: StoredSession
) -> None:
    graphql = LogoutMeanwhile(client, server)
    await StoredTokens(graphql, store, server, session).current()
    assert (await graphql.logout).code == 0
    assert store.load(server).session is None


async def test_a_sign_in_to_another_account_is_not_taken_over(
    tokens: Callable[[], StoredTokens], store: CredentialStore, server: str, session: StoredSession
) -> None:
    waiting = tokens()
    store.save_sign_in(server, ServerCredentials(replace(session, account_id="account_other", access_token="a.b.c")))
    with pytest.raises(SignInError, match="another command"):
        await waiting.current()


async def test_a_lock_that_is_held_too_long_is_an_error_that_can_be_retried(folder: PrivateFolder) -> None:
    async with refresh_lock(folder, "https://one.example.org"):
        async with refresh_lock(folder, "https://two.example.org"):
            pass
        with pytest.raises(RetryableError, match="still refreshing"):
            async with refresh_lock(folder, "https://one.example.org", timeout=0.1):
                pass
    async with refresh_lock(folder, "https://one.example.org"):
        pass
