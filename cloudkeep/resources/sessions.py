"""Opens the services of sessions."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from cloudkeep.settings.settings import Settings
from services.accounts.api_tokens import ApiTokens
from services.accounts.authentication import Authentication
from services.accounts.sessions.session_limits import SessionLimits
from services.accounts.sessions.session_use import SessionUse
from services.accounts.sessions.sessions import Sessions
from services.accounts.tokens import AccessTokens


@asynccontextmanager
async def open_sessions(settings: Settings, api_tokens: ApiTokens) -> AsyncIterator[tuple[Sessions, Authentication]]:
    """The sessions and the authentication of an API process, with their background tasks."""
    keys = settings.secret_keys
    tokens = AccessTokens(keys, timedelta(seconds=settings.access_token_ttl))
    sessions = Sessions(tokens, keys, session_limits(settings))
    use = SessionUse()
    async with AsyncExitStack() as stack:
        await sessions.live.start()
        stack.push_async_callback(sessions.live.close)
        await use.start()
        stack.push_async_callback(use.close)
        yield sessions, Authentication(tokens, sessions.live, use, sessions.cookies, api_tokens)


def session_limits(settings: Settings) -> SessionLimits:
    """The limits of sessions."""
    return SessionLimits(
        timedelta(seconds=settings.session_ttl), settings.sessions, timedelta(seconds=settings.session_max_age)
    )
