"""Sessions."""

from datetime import datetime
from uuid import UUID

from resolvers.context import Context
from resolvers.pages import Listing, Page, PageArguments, parse_key
from services.access.permissions import Permission, require_permission, visible
from services.accounts.sessions.session_limits import end_of
from services.accounts.types import OpenSession
from services.core.errors import NotFound
from services.core.ids import Prefix, decode, require_key
from storage.accounts.models import Session


async def refresh(context: Context, refresh_token: str) -> OpenSession:
    """Exchange a refresh token for new tokens."""
    return await context.services.accounts.sessions.refresh(refresh_token)


async def find_session(context: Context, session_id: str) -> Session | None:
    """The session with this ID, if the viewer may see it."""
    viewer, key = context.viewer, decode(Prefix.SESSION, session_id)
    return visible(viewer, await context.services.accounts.sessions.find(key)) if key else None


def is_current(context: Context, session: Session) -> bool:
    """Whether the request's access token belongs to the session."""
    return context.authenticated is not None and context.authenticated.session_id == session.id


def expires_at(session: Session) -> datetime:
    """When a session ends if it is not used before."""
    return end_of(session)


async def sessions_page(context: Context, arguments: PageArguments) -> Page[Session]:
    """A page of the viewer's sessions, newest first. Raises :class:`services.core.errors.InvalidInput`."""
    sessions, owner = context.services.accounts.sessions, context.viewer.account_id
    listing: Listing[Session, UUID] = Listing(
        fetch=lambda window: sessions.page(owner, window),
        count=lambda: sessions.count(owner),
        key=lambda session: session.id,
        parse=parse_key,
    )
    return await listing.page(arguments)


async def logout(context: Context, refresh_token: str | None) -> None:
    """Close the session of this refresh token or, without one, that of the request.

    Raises :class:`NotFound` if there is no such session.
    """
    sessions = context.services.accounts.sessions
    if refresh_token is not None:
        session = await sessions.session_of(refresh_token)
        session_id, field = session.id if session else None, "refreshToken"
    else:
        session_id, field = context.viewer.session_id, None
    if session_id is None or not await sessions.close(session_id):
        raise NotFound("There is no such session.", field=field)
    if refresh_token is None:
        context.clear_session_cookie()


async def revoke_session(context: Context, session_id: str) -> str:
    """Close one of the viewer's sessions, and return its ID. Raises :class:`NotFound`."""
    sessions, viewer = context.services.accounts.sessions, context.viewer
    key = require_key(Prefix.SESSION, session_id, field="sessionId")
    session = require_permission(viewer, Permission.EDIT, await sessions.find(key), "session", field="sessionId")
    if session.id != viewer.session_id:
        await sessions.require_recent_authentication(viewer)
    await sessions.close(session.id)
    return session_id


async def revoke_other_sessions(context: Context) -> int:
    """Close every session of the viewer but that of the request. Returns their number."""
    viewer = context.viewer
    await context.services.accounts.sessions.require_recent_authentication(viewer)
    return await context.services.accounts.sessions.close_others(viewer.account_id, viewer.session_id)


async def reauthenticate(context: Context, password: str) -> datetime:
    """Accept the viewer's password again. Returns until when the session can change credentials."""
    return await context.services.accounts.reauthentication.by_password(context.viewer, password)
