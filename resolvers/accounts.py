"""Accounts and sessions."""

from uuid import UUID

from resolvers.context import Context
from services.access.permissions import visible
from services.accounts.errors import Unauthenticated
from services.accounts.types import OpenSession, Registration
from services.core.ids import Prefix, decode
from storage.accounts.models import Account, Session
from storage.uploads.usage import Space as Space


async def register(context: Context, *, user_id: str, user_name: str, email: str, password: str) -> Registration:
    """Start a registration. For errors see :meth:`services.accounts.accounts.Accounts.register`."""
    return await context.services.accounts.register(
        user_id=user_id, user_name=user_name, email=email, password=password, address=context.address
    )


async def verify_otp(context: Context, *, email: str, otp: str) -> OpenSession:
    """Create the account, and open its first session."""
    return await context.services.accounts.verify_otp(email=email, otp=otp)


async def login(context: Context, *, user_id: str, password: str) -> OpenSession:
    """Open a session with a user ID and a password."""
    return await context.services.accounts.login(user_id=user_id, password=password)


async def refresh_session(context: Context, refresh_token: str) -> OpenSession:
    """Exchange a refresh token for new tokens."""
    return await context.services.accounts.refresh(refresh_token)


def viewer_account_id(context: Context) -> UUID | None:
    """The key of the viewer's account; None if the request has no token.

    Raises :class:`Unauthenticated` for a token that is not valid.
    """
    viewer = context.viewer_or_none
    return viewer.account_id if viewer else None


def find_account(context: Context, account_id: str) -> UUID | None:
    """The key of the account with this ID, if it is the viewer's."""
    own = context.viewer.account_id
    return own if own == decode(Prefix.ACCOUNT, account_id) else None


async def find_session(context: Context, session_id: str) -> Session | None:
    """The session with this ID, if the viewer may see it."""
    viewer, key = context.viewer, decode(Prefix.SESSION, session_id)
    return visible(viewer, await context.services.accounts.find_session(key)) if key else None


def is_current(context: Context, session: Session) -> bool:
    """Whether the request's access token belongs to the session."""
    return context.authenticated is not None and context.authenticated.session_id == session.id


async def load_account(context: Context, account_id: UUID) -> Account:
    """The row of the viewer's account. Raises :class:`Unauthenticated` if the account was deleted."""
    row = await context.loaders.accounts.load(account_id)
    if row is None:
        raise Unauthenticated("This account no longer exists.")
    return row


async def storage_usage(context: Context, account_id: UUID) -> Space:
    """The storage that the viewer's account uses, and its quota."""
    return await context.services.uploads.space(account_id)
