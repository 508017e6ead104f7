"""Changes of address."""

from resolvers.context import Context
from services.accounts.types import PendingCode
from services.core.ids import Prefix, decode
from storage.accounts.models import Account


async def request(context: Context, new_email: str) -> PendingCode:
    """Mail a code to a new address for the viewer."""
    return await context.services.accounts.email_changes.request(context.viewer, new_email, context.client)


async def confirm(context: Context, *, change_id: str, otp: str) -> Account:
    """Change the address of the viewer with a code."""
    key = decode(Prefix.EMAIL_CHANGE, change_id)
    return await context.services.accounts.email_changes.confirm(context.viewer, change_id=key, otp=otp)


async def undo(context: Context, token: str) -> str:
    """Put the address back that the token was mailed to. It needs no viewer."""
    return await context.services.accounts.email_changes.undo(token)
