"""Shows again that the owner of a session uses it, before credentials are changed (OWASP ASVS 5.0.0, 7.5.1)."""

from datetime import datetime

from services.accounts.errors import ReauthenticationRequired, Unauthenticated
from services.accounts.sessions.sessions import RECENT
from services.accounts.sign_in.sign_in import SignIn
from services.accounts.tokens import Viewer
from services.core.clock import now
from storage.accounts import sessions as rows


class Reauthentication:
    """Accepts the credentials of a viewer who is signed in already."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in

    async def by_password(self, viewer: Viewer, password: str) -> datetime:
        """Accept the viewer's password. Returns until when the viewer's session can change credentials.

        Raises like :meth:`SignIn.verify_password`, and :class:`ReauthenticationRequired` for an API token.
        """
        if viewer.session_id is None:
            raise ReauthenticationRequired("Sign in first: an API token cannot change credentials.")
        session = await rows.find(viewer.session_id)
        if session is None:
            raise Unauthenticated("The session has ended. Sign in again.")
        await self._sign_in.verify_password(session.account, password, session.id)
        moment = now()
        if not await rows.set_authenticated(session.id, moment):
            raise Unauthenticated("The session has ended. Sign in again.")
        return moment + RECENT
