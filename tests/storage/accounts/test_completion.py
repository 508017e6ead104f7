"""A registration becomes an account with all that belongs to it, or not at all, also when the process is killed."""

import asyncio
import signal
import sys
from typing import Any
from uuid import UUID

import pytest

from storage.accounts import invitations, registrations
from storage.accounts.models import Account, EmailChange, Invitation, Registration
from storage.accounts.registrations import AddressTaken, InvitationSpent, RegistrationLimits, UserIdTaken
from storage.budgets import limit_overrides
from storage.budgets.models import Grant
from tests.storage.rows import CONNECTED, EMAIL, LATER, NOW, ROOT, new_account, new_registration

pytestmark = pytest.mark.usefixtures("database")

QUOTA = 123_456


async def register(**more: Any) -> Registration:
    row = new_registration(**more)
    await registrations.insert(row, RegistrationLimits(1_000, 1_000), NOW)
    return row


async def invite(**more: Any) -> Invitation:
    return await invitations.insert(Invitation(**{"token_hash": "hash", "expires_at": LATER, **more}))


async def complete(registration: Registration, user_id: str | None = None) -> Account:
    return await registrations.complete(registration, NOW, user_id=user_id, grant_quota=limit_overrides.grant_quota)


async def test_the_first_account_of_a_database_is_an_administrator_and_the_second_is_not() -> None:
    first = await complete(await register())
    second = await complete(await register(user_id="bob", email="bob@example.org"))
    assert (first.is_admin, second.is_admin) == (True, False)


async def test_of_accounts_that_are_created_at_once_one_is_an_administrator() -> None:
    rows = [await register(user_id=f"user{n}", email=f"user{n}@example.org") for n in range(6)]
    await asyncio.gather(*(complete(row) for row in rows))
    assert (await Account.all().count(), await Account.filter(is_admin=True).count()) == (6, 1)


async def test_a_database_with_accounts_of_an_older_version_gets_no_administrator() -> None:
    await new_account("bob")
    assert not (await complete(await register())).is_admin


async def test_an_invitation_gives_a_quota_and_makes_an_administrator() -> None:
    await new_account("bob")
    invitation = await invite(makes_admin=True, quota=QUOTA)
    account = await complete(await register(invitation_id=invitation.id))
    assert account.is_admin
    assert await limit_overrides.quota_of(account.id, 1) == QUOTA
    assert (await Invitation.get(id=invitation.id)).account_id == account.id


async def test_of_registrations_with_one_invitation_one_is_completed_and_the_others_stay() -> None:
    invitation = await invite()
    rows = [
        await register(user_id=f"user{n}", email=f"user{n}@example.org", invitation_id=invitation.id) for n in range(6)
    ]
    ends = await asyncio.gather(*(complete(row) for row in rows), return_exceptions=True)
    assert [type(end) for end in ends].count(InvitationSpent) == 5
    assert (await Account.all().count(), await Registration.all().count()) == (1, 5)


async def test_of_registrations_for_one_address_one_is_completed() -> None:
    rows = [await register(user_id=f"user{n}") for n in range(6)]
    ends = await asyncio.gather(*(complete(row) for row in rows), return_exceptions=True)
    assert [type(end) for end in ends].count(AddressTaken) == 5


async def test_an_address_that_is_reserved_by_a_change_of_address_is_refused() -> None:
    bob = await new_account("bob")
    await EmailChange.create(
        account=bob, new_email=bob.email, old_email=EMAIL, otp_hash="-", expires_at=NOW, undo_until=LATER
    )
    with pytest.raises(AddressTaken):
        await complete(await register())


async def test_after_a_taken_user_id_the_registration_is_completed_with_another() -> None:
    await new_account("bob")
    invitation = await invite(quota=QUOTA)
    row = await register(user_id="bob", invitation_id=invitation.id)
    with pytest.raises(UserIdTaken):
        await complete(row)
    assert (await complete(row, "robert")).user_id == "robert"


#: Completes a registration, and dies before or after the call of one function.
KILLED = """
import importlib, os, signal
from uuid import UUID
from storage.accounts import registrations
from storage.accounts.models import Registration
from storage.budgets import limit_overrides
from tests.storage.rows import NOW
def arm(module, name, moment):
    module = importlib.import_module(module)
    original = getattr(module, name)
    async def armed(*args, **more):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(module, name, armed)
async def main(key, place, moment):
    row = await Registration.get(id=UUID(key))
    arm(*place.split(":"), moment)
    await registrations.complete(row, NOW, grant_quota=lambda *a: limit_overrides.grant_quota(*a))
"""
STEPS = [
    ("storage.accounts.addresses:lock", "after"),
    ("storage.accounts.addresses:is_taken", "before"),
    ("storage.accounts.invitations:use", "after"),
    ("storage.accounts.accounts:is_first", "after"),
    ("storage.accounts.invitations:set_account", "before"),
    ("storage.budgets.limit_overrides:grant_quota", "after"),
    ("storage.accounts.registrations:atomically", "after"),
]


async def run_until_killed(database_url: str, registration_id: UUID, place: str, moment: str) -> None:
    arguments = (database_url, str(registration_id), place, moment)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED + CONNECTED, *arguments, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(("place", "moment"), STEPS)
async def test_a_kill_leaves_either_the_registration_or_the_account(database: str, place: str, moment: str) -> None:
    invitation = await invite(quota=QUOTA)
    row = await register(invitation_id=invitation.id)
    await run_until_killed(database, row.id, place, moment)
    is_done = place.endswith(":atomically")
    assert await Account.all().count() == await Grant.all().count() == int(is_done)
    assert await Registration.filter(id=row.id).exists() is not is_done
    assert bool((await Invitation.get(id=invitation.id)).used_at) is is_done
    if not is_done:
        assert (await complete(row)).is_admin
