"""Sessions."""

from resolvers.context import Context
from services.access.permissions import visible
from services.accounts.types import OpenSession
from services.core.ids import Prefix, decode
from storage.accounts.models import Session


async def refresh(context: Context, refresh_token: str) -> OpenSession:
    """Exchange a refresh token for new tokens."""
    return await context.services.sessions.refresh(refresh_token)


async def find_session(context: Context, session_id: str) -> Session | None:
    """The session with this ID, if the viewer may see it."""
    viewer, key = context.viewer, decode(Prefix.SESSION, session_id)
    return visible(viewer, await context.services.sessions.find(key)) if key else None


def is_current(context: Context, session: Session) -> bool:
    """Whether the request's access token belongs to the session."""
    return context.authenticated is not None and context.authenticated.session_id == session.id
