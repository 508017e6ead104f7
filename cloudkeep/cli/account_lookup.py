"""Finds the account that an operator names."""

from services.core import validation
from services.core.errors import InvalidInput
from storage.accounts import accounts
from storage.accounts.models import Account


class CommandRefused(Exception):
    """The arguments cannot be applied. ``str(error)`` is one line that names everything that is wrong with them."""


async def find_account(name: str) -> Account:
    """The account with this user ID or address. Raises :class:`CommandRefused`."""
    is_address = "@" in name
    try:
        if is_address:
            account = await accounts.find_by_email(validation.email(name))
        else:
            account = await accounts.find_by_user_id(validation.user_id(name))
    except InvalidInput:
        account = None
    if account is None:
        raise CommandRefused(f"there is no account with the {'address' if is_address else 'user ID'} {name!r}")
    return account
