"""Who may register: everybody, people with an invitation, or nobody."""

from uuid import UUID

from services.accounts.errors import InvitationInvalid, InvitationRequired, RegistrationClosed
from services.accounts.registration import invitations
from services.accounts.types import RegistrationMode
from storage.accounts import accounts


class Admission:
    """Applies the mode of registration of a server.

    A closed server without any account accepts invitations, because its first account could not be created otherwise.
    """

    def __init__(self, mode: RegistrationMode) -> None:
        self._mode = mode

    async def require(self, *, invited: bool) -> None:
        """Raise :class:`RegistrationClosed` or :class:`InvitationRequired` if the mode does not permit it.

        ``invited``: whether there is an invitation, which may be invalid.
        """
        if self._mode is RegistrationMode.OPEN:
            return
        if self._mode is RegistrationMode.CLOSED and await accounts.any_exists():
            raise RegistrationClosed("This server accepts no registrations.")
        if not invited:
            raise InvitationRequired("This server only accepts registrations with an invitation.", field="invitation")

    async def invitation_of(self, token: str | None, email: str) -> UUID | None:
        """The key of the invitation with this token; None without a token.

        Raises :class:`InvitationInvalid` if this address cannot use it now.
        """
        if not token:
            return None
        found = await invitations.find_usable(token, email)
        if not found:
            raise InvitationInvalid("This invitation cannot be used for this address.", field="invitation")
        return found.id
