"""Rows of accounts."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar
from uuid import UUID

from tortoise.expressions import F

from storage.accounts.models import Account
from storage.accounts.turns import Turns
from storage.database.connection import atomically, lock_name

T = TypeVar("T")

#: Of the transactions of :func:`locked`.
_TURNS = Turns()


async def user_id_exists(user_id: str) -> bool:
    """Whether an account has this normalised user ID."""
    return await Account.filter(user_id=user_id).exists()


async def find_by_user_id(user_id: str) -> Account | None:
    """The account with this normalised user ID."""
    return await Account.get_or_none(user_id=user_id)


async def find_by_email(email: str) -> Account | None:
    """The account with this normalised address."""
    return await Account.get_or_none(email=email)


async def find(account_id: UUID) -> Account | None:
    """The account with this key."""
    return await Account.get_or_none(id=account_id)


async def find_by_name(name: str) -> Account | None:
    """The account with this normalised user ID or, with an @, this address."""
    return await (find_by_email(name) if "@" in name else find_by_user_id(name))


async def update_profile(account_id: UUID, values: Mapping[str, str | None]) -> Account | None:
    """Change columns of an account, and return it; None if there is none."""
    if values:
        await Account.filter(id=account_id).update(**values)
    return await find(account_id)


async def find_many(account_ids: Collection[UUID]) -> dict[UUID, Account]:
    """The accounts with these keys."""
    return {account.id: account for account in await Account.filter(id__in=list(account_ids))}


async def any_exists() -> bool:
    """Whether there is any account."""
    # In the order of the index: PostgreSQL would scan the table for any row.
    return bool(await Account.all().order_by("id").limit(1).values_list("id", flat=True))


async def is_first() -> bool:
    """Whether the account that the caller's transaction creates is the first one of this database.

    Of transactions that create accounts at once, one gets True.
    """
    if await any_exists():
        return False
    await lock_name("first account")
    return not await any_exists()


async def lock(account_id: UUID) -> None:
    """Lock this account until the transaction ends. Call it first in the transaction."""
    # An update that changes nothing: it locks the row in PostgreSQL and the database in SQLite. Later reads see what
    # the previous holder of the lock committed, in READ COMMITTED too, where each statement sees what is committed by
    # then.
    await Account.filter(id=account_id).update(name=F("name"))


async def locked(account_id: UUID, work: Callable[[], Awaitable[T]]) -> T:
    """Run ``work`` in a transaction of its own that has locked this account before. See :func:`atomically`.

    The transactions of one account wait for each other in this process, without a connection. Otherwise a client that
    changes much at once would take all connections of the process, and requests of others would find none.
    """

    async def transaction() -> T:
        await lock(account_id)
        return await work()

    async with _TURNS.of(account_id):
        return await atomically(transaction)
