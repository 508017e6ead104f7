"""The tokens of a stored session, which several processes may use and refresh at the same time."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.sign_in import SessionEnded, SignIn, refresh
from cloudkeep.client.credentials.refresh_lock import refresh_lock
from cloudkeep.client.credentials.store import CredentialStore
from cloudkeep.client.credentials.types import StoredSession
from cloudkeep.client.errors import SignInError

#: An access token is refreshed so long before it expires, so that requests do not meet an expired one.
MARGIN = timedelta(minutes=1)


def stored_session(signed_in: SignIn) -> StoredSession:
    """The part of a sign-in that is stored."""
    return StoredSession(
        signed_in.session_id,
        signed_in.account_id,
        signed_in.user_id,
        signed_in.access_token,
        signed_in.refresh_token,
        signed_in.expires_at,
    )


class StoredTokens:
    """The tokens of the session that is stored for a server. See :class:`cloudkeep.client.api.tokens.Tokens`."""

    def __init__(self, graphql: GraphQL, store: CredentialStore, url: str, session: StoredSession) -> None:
        self._graphql = graphql
        self._store = store
        self._url = url
        self._session = session
        self._lock = asyncio.Lock()
        #: The token that the clock of this machine calls expired although it is new, because that clock is wrong.
        self._misjudged: str | None = None

    async def current(self) -> str | None:
        """The access token, refreshed if it is about to expire."""
        token = self._session.access_token
        if _is_expiring(self._session) and token != self._misjudged:
            await self.renew(token)
        return self._session.access_token

    async def renew(self, refused: str | None) -> None:
        """See :class:`Tokens`. The new tokens are stored before they are used."""
        async with self._lock:
            if self._session.access_token != refused:
                return
            async with refresh_lock(self._store.folder, self._url):
                await self._renew(self._session)
            if _is_expiring(self._session):
                self._misjudged = self._session.access_token

    async def _renew(self, used: StoredSession) -> None:
        credentials = await asyncio.to_thread(self._store.load, self._url)
        stored = credentials.session
        if stored is None or stored.account_id != used.account_id:
            raise SignInError(f"another command has signed out of {self._url}; run this one again")
        if stored.access_token != used.access_token and not _is_expiring(stored):
            self._session = stored  # another process has refreshed it
            return
        try:
            fresh = await refresh(self._graphql, stored.refresh_token)
        except SessionEnded as error:
            raise self.ended() from error
        session = stored_session(fresh)
        await _to_the_end(lambda: self._store.save(self._url, credentials.with_session(session)))
        self._session = session

    def ended(self) -> SignInError:
        """The error for a session that has ended."""
        return SignInError(
            f"the session of {self._session.user_id} at {self._url} has ended; sign in again with "
            f"`cloudkeep login --url {self._url}`"
        )


def _is_expiring(session: StoredSession) -> bool:
    return session.expires_at - datetime.now(UTC) <= MARGIN


async def _to_the_end(work: Callable[[], None]) -> None:
    """Do blocking work in a thread. A cancellation waits for it, because the old tokens are used up."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
