"""The viewer's account."""

from uuid import UUID

from resolvers.context import Context
from services.accounts.errors import Unauthenticated
from services.core.ids import Prefix, decode
from storage.accounts.models import Account
from storage.uploads.usage import Space as Space


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


async def load_account(context: Context, account_id: UUID) -> Account:
    """The row of the viewer's account. Raises :class:`Unauthenticated` if the account was deleted."""
    row = await context.loaders.accounts.load(account_id)
    if row is None:
        raise Unauthenticated("This account no longer exists.")
    return row


async def storage_usage(context: Context, account_id: UUID) -> Space:
    """The storage that the viewer's account uses, and its quota."""
    return await context.services.uploads.space(account_id)
