"""Shows again that the owner of a session uses it, before credentials are changed (OWASP ASVS 5.0.0, 7.5.1)."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.accounts.errors import ReauthenticationRequired, Unauthenticated
from services.accounts.sessions import RECENT, Client
from services.accounts.tokens import Viewer
from services.core.clock import now
from storage.accounts import sessions as rows
from storage.accounts.models import Account


class VerifyPassword(Protocol):
    """Checks the password of an account in one of its sessions."""

    async def __call__(self, account: Account, password: str, *, session_id: UUID, client: Client) -> None:
        """Raise :class:`services.accounts.errors.InvalidCredentials` for a wrong password.

        Raise :class:`services.accounts.errors.TooManyAttempts` after several of them.
        """
        ...


class Reauthentication:
    """Accepts the credentials of a viewer who is signed in already."""

    def __init__(self, verify_password: VerifyPassword) -> None:
        self._verify_password = verify_password

    async def by_password(self, viewer: Viewer, password: str, client: Client) -> datetime:
        """Accept the viewer's password. Returns until when the viewer's session can change credentials.

        Raises like :class:`VerifyPassword`, and :class:`ReauthenticationRequired` for a viewer without a session.
        """
        if viewer.session_id is None:
            raise ReauthenticationRequired("Sign in first: an API token cannot change credentials.")
        session = await rows.find(viewer.session_id)
        if session is None:
            raise Unauthenticated("The session has ended. Sign in again.")
        await self._verify_password(session.account, password, session_id=session.id, client=client)
        moment = now()
        if not await rows.set_authenticated(session.id, moment):
            raise Unauthenticated("The session has ended. Sign in again.")
        return moment + RECENT
