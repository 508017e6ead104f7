"""Forgotten and changed passwords."""

from resolvers.context import Context
from services.accounts.types import PendingCode
from services.core.ids import Prefix, decode
from storage.accounts.models import Account


async def request(context: Context, email: str) -> PendingCode:
    """Mail a code. For errors see :meth:`services.accounts.credentials.password_recovery.PasswordRecovery.request`."""
    return await context.services.accounts.recovery.request(email, context.client)


async def reset(context: Context, *, reset_id: str, otp: str, new_password: str) -> None:
    """Set a new password with a code."""
    key = decode(Prefix.PASSWORD_RESET, reset_id)
    await context.services.accounts.recovery.reset(reset_id=key, otp=otp, new_password=new_password)


async def change(context: Context, *, current_password: str, new_password: str) -> Account:
    """Replace the password of the viewer."""
    return await context.services.accounts.password_change.change(
        context.viewer, current_password=current_password, new_password=new_password
    )
