"""Finds the viewer of a request by what the client sends as a proof."""

from collections.abc import Callable

from services.accounts.api_tokens import PREFIX, ApiTokens
from services.accounts.errors import Unauthenticated
from services.accounts.sessions.cookie_sessions import CookieSessions, CookieUse
from services.accounts.sessions.live_sessions import LiveSessions
from services.accounts.sessions.session_use import SessionUse
from services.accounts.sessions.sessions import Client
from services.accounts.tokens import AccessTokens, Viewer

ENDED = "The session has ended. Sign in again."


class Authentication:
    """Verifies the credentials of requests, and watches those of streams."""

    def __init__(
        self,
        tokens: AccessTokens,
        live_sessions: LiveSessions,
        session_use: SessionUse,
        cookies: CookieSessions,
        api_tokens: ApiTokens,
    ) -> None:
        self._tokens = tokens
        self._cookies = cookies
        self._live_sessions = live_sessions
        self._session_use = session_use
        self._api_tokens = api_tokens

    async def by_bearer_token(self, token: str, client: Client | None = None) -> Viewer:
        """The viewer of an access token or an API token. With a client, this is a use of the session by that client.

        Raises :class:`Unauthenticated`, also if the session was closed or the token was revoked, and
        :class:`storage.errors.DatabaseUnavailable`.
        """
        if token.startswith(PREFIX):
            return await self._api_tokens.viewer_of(token)
        viewer = self._tokens.verify(token)
        if viewer.session_id is not None:
            if not await self._live_sessions.is_live(viewer.session_id):
                raise Unauthenticated(ENDED)
            if client:
                self._session_use.record(viewer.session_id, client)
        return viewer

    async def by_cookie(self, secret: str, client: Client) -> CookieUse:
        """The viewer of a session cookie, which this client has sent. No bearer token is valid here, nor vice versa.

        Raises :class:`Unauthenticated`, and :class:`storage.errors.DatabaseUnavailable`.
        """
        found = await self._cookies.use(secret)
        if found.viewer.session_id is not None:
            self._session_use.record(found.viewer.session_id, client)
        return found

    def watch(self, viewer: Viewer, ended: Callable[[], None]) -> Callable[[], None]:
        """Call ``ended``, perhaps several times, when the viewer's session or API token has ended.

        Call the result to stop that.
        """
        if viewer.session_id is not None:
            return self._live_sessions.watch(viewer.session_id, ended)
        if viewer.api_token_id is not None:
            return self._api_tokens.live.watch(viewer.api_token_id, ended)
        return _do_nothing


def _do_nothing() -> None:
    pass
