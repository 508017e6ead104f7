"""Registration."""

from resolvers.accounts.opened_session import open_session
from resolvers.context import Context
from services.accounts.registration import Applicant as Applicant
from services.accounts.sessions.sessions import Client
from services.accounts.types import OpenSession
from services.core.ids import Prefix, decode
from storage.accounts.models import Registration


async def register(context: Context, applicant: Applicant) -> Registration:
    """Start a registration. For errors see :meth:`services.accounts.registration.Registrations.register`."""
    return await context.services.accounts.registrations.register(applicant, context.client)


async def resend_otp(context: Context, registration_id: str) -> Registration:
    """Mail a new code. For errors see :meth:`services.accounts.registration.Registrations.resend`."""
    key = decode(Prefix.REGISTRATION, registration_id)
    return await context.services.accounts.registrations.resend(key, context.client)


async def verify_otp(
    context: Context, *, registration_id: str, otp: str, user_id: str | None, cookies: bool | None
) -> OpenSession:
    """Create the account, and open its first session."""
    key = decode(Prefix.REGISTRATION, registration_id)

    async def verify(client: Client) -> OpenSession:
        opened = await context.services.accounts.registrations.verify(
            registration_id=key, otp=otp, client=client, user_id=user_id
        )
        return context.services.accounts.devices.with_token(opened)

    return await open_session(context, verify, cookies=cookies)
