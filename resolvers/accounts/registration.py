"""Registration."""

from resolvers.context import Context
from services.accounts.types import OpenSession
from services.core.ids import Prefix, decode
from storage.accounts.models import Registration


async def register(context: Context, *, user_id: str, user_name: str, email: str, password: str) -> Registration:
    """Start a registration. For errors see :meth:`services.accounts.registration.Registrations.register`."""
    return await context.services.registrations.register(
        user_id=user_id, user_name=user_name, email=email, password=password, client=context.client
    )


async def verify_otp(context: Context, *, registration_id: str, otp: str) -> OpenSession:
    """Create the account, and open its first session."""
    key = decode(Prefix.REGISTRATION, registration_id)
    opened = await context.services.registrations.verify(registration_id=key, otp=otp, client=context.client)
    return context.services.devices.with_token(opened)
