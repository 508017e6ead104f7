"""The end of a registration: the code is compared, and the account is created."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from services.accounts.attempts import Attempts
from services.accounts.codes import ATTEMPTS, Codes
from services.accounts.errors import InvalidOtp, InvitationInvalid
from services.accounts.registration.admission import Admission
from services.accounts.sessions.sessions import Client, Sessions
from services.accounts.types import OpenSession
from services.core import validation
from services.core.clock import now
from services.core.errors import AlreadyExists
from storage.accounts import registrations
from storage.accounts.attempts import AttemptKind
from storage.accounts.models import Account, Registration
from storage.accounts.registrations import AddressTaken, InvitationSpent, RegistrationUsed, UserIdTaken
from storage.budgets import limit_overrides


class Verification:
    """Completes registrations."""

    def __init__(self, codes: Codes, sessions: Sessions, attempts: Attempts, admission: Admission) -> None:
        self._codes = codes
        self._sessions = sessions
        self._attempts = attempts
        self._admission = admission

    async def verify(self, registration_id: UUID | None, otp: str, user_id: str | None, client: Client) -> OpenSession:
        """Complete a registration and open its first session. ``user_id`` replaces that of the registration.

        Raises :class:`InvalidInput` for a text that is no code or no user ID, :class:`InvalidOtp` if the code is wrong,
        used or expired, or after too many attempts, :class:`TooManyAttempts` after too many at the address,
        :class:`AlreadyExists` if the user ID or the address was taken meanwhile, :class:`InvitationInvalid` if the
        invitation was used meanwhile, and the errors of :class:`Admission`.

        If only the user ID was taken, the registration stays: the same code and another user ID complete it.
        """
        code = validation.otp(otp)
        chosen = validation.user_id(user_id) if user_id is not None else None
        found = await registrations.count_attempt(registration_id, ATTEMPTS) if registration_id else None
        if not found or found.expires_at < now():
            raise _invalid()
        await self._admission.require(invited=found.invitation_id is not None)
        await self._attempts.require(AttemptKind.OTP, found.email, always=found.attempts == 1)
        if not self._codes.matches(found.otp_hash, found.id, code):
            raise _invalid()
        return await self._sessions.open(await self._complete(found, chosen), client)

    async def _complete(self, registration: Registration, user_id: str | None) -> Account:
        try:
            with _refusals():
                return await registrations.complete(
                    registration, now(), user_id=user_id, grant_quota=limit_overrides.grant_quota
                )
        except AlreadyExists:
            # The code was right, so it was no guess.
            await registrations.take_back_attempt(registration.id)
            raise


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise what callers see for the errors of storage."""
    try:
        yield
    except RegistrationUsed as error:
        raise _invalid() from error
    except UserIdTaken as error:
        raise AlreadyExists("This user ID was taken meanwhile. Choose another one.", field="userId") from error
    except AddressTaken as error:
        raise AlreadyExists("This address belongs to an account now.", field="registrationId") from error
    except InvitationSpent as error:
        raise InvitationInvalid("The invitation was used or has expired meanwhile.", field="registrationId") from error


def _invalid() -> InvalidOtp:
    return InvalidOtp("The code is wrong, was used, or has expired. Try to sign in, or register again.", field="otp")
