"""What an administrator does with accounts. The lists read whole tables: they are for the command line."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.functions import Max

from storage.accounts import accounts
from storage.accounts.models import Account, Session
from storage.database.connection import atomically, lock_name


class LastAdministrator(Exception):
    """There would be no administrator left who can sign in."""


async def find_all() -> list[Account]:
    """Every account, the oldest first."""
    return await Account.all().order_by("created_at", "id")


async def last_sign_ins() -> dict[UUID, datetime]:
    """When each account last signed in, as far as its sessions still exist."""
    rows: Any = await Session.annotate(last=Max("created_at")).group_by("account_id").values_list("account_id", "last")
    return {key: datetime.fromisoformat(last) if isinstance(last, str) else last for key, last in rows}


async def disable(account_id: UUID, now: datetime) -> bool:
    """Disable an account and end its sessions; False if it was disabled before."""

    async def work() -> bool:
        # A simultaneous sign-in waits for the lock, or its session is deleted here.
        await accounts.lock(account_id)
        changed = await Account.filter(id=account_id, disabled_at=None).update(disabled_at=now)
        await Session.filter(account_id=account_id).delete()
        return bool(changed)

    return await atomically(work)


async def enable(account_id: UUID) -> bool:
    """Enable an account again; False if it was not disabled."""
    return bool(await Account.filter(id=account_id, disabled_at__isnull=False).update(disabled_at=None))


async def promote(account_id: UUID) -> bool:
    """Make an account an administrator; False if it is one."""
    return bool(await Account.filter(id=account_id, is_admin=False).update(is_admin=True))


async def demote(account_id: UUID) -> bool:
    """Make an administrator an ordinary account; False if it is one. Raises :class:`LastAdministrator`."""

    async def work() -> bool:
        # Otherwise two administrators could be demoted at the same time, each while the other one still is one.
        await lock_name("administrators")
        changed = bool(await Account.filter(id=account_id, is_admin=True).update(is_admin=False))
        if changed and not await Account.filter(is_admin=True, disabled_at=None).exists():
            raise LastAdministrator("there would be no administrator left who can sign in")
        return changed

    return await atomically(work)
