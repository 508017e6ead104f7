"""Rows of changes of address: the old address stays reserved, and puts itself back exactly once."""

from datetime import timedelta
from uuid import uuid4

import pytest

from storage.accounts import accounts, addresses, email_changes, expired, sessions
from storage.accounts.models import Account, ApiToken, EmailChange, PasswordReset, Session
from storage.errors import Duplicate
from storage.outbox import outbox
from storage.outbox.models import OutboxMail
from tests.storage.accounts.credential_rows import (
    NEW_EMAIL,
    at_once,
    confirm,
    everything_open,
    new_change,
    new_notice,
    new_reset,
    stored,
)
from tests.storage.rows import EMAIL, LATER, NOW, new_account

pytestmark = pytest.mark.usefixtures("database")

UNTIL = NOW + timedelta(days=7)
A_MOMENT = timedelta(seconds=1)


async def change_to(account: Account, email: str, token: str, number: int = 0) -> Account:
    """Change the address of an account, and confirm it."""
    row = await new_change(account, email)
    moment = NOW + number * A_MOMENT
    changed = await confirm(row, token, now=moment, until=UNTIL)
    assert changed
    return changed


async def undo(token: str) -> bool:
    """Undo the change of this token."""
    change = await email_changes.find_undoable(token, NOW)
    return change is not None and await email_changes.undo(change, "unusable", NOW, new_notice()) is not None


async def test_guesses_belong_to_the_account_and_are_limited() -> None:
    account = await new_account("ada")
    row = await new_change(account)
    assert await email_changes.count_attempt(row.id, uuid4(), 5) is None
    guesses = [await email_changes.count_attempt(row.id, account.id, 3) for _ in range(4)]
    assert [found.attempts if found else None for found in guesses] == [1, 2, 3, None]


async def test_a_confirmed_change_replaces_the_address_and_reserves_the_old_one() -> None:
    account = await new_account("ada")
    assert (await change_to(account, NEW_EMAIL, "undo")).email == NEW_EMAIL
    assert (await stored(account)).email == NEW_EMAIL
    assert await addresses.is_taken(EMAIL, NOW)
    assert await addresses.is_taken(NEW_EMAIL, NOW)
    assert not await addresses.is_taken(EMAIL, UNTIL)
    assert await OutboxMail.all().count() == 1


async def test_a_confirmed_change_ends_the_resets_and_the_other_changes_that_wait() -> None:
    account = await new_account("ada")
    await new_reset(account)
    other = await new_change(account, "other@example.org")
    await change_to(account, NEW_EMAIL, "undo")
    assert await PasswordReset.all().count() == 0
    assert await email_changes.count_attempt(other.id, account.id, 5) is None


async def test_the_notice_goes_to_the_address_that_is_replaced() -> None:
    account = await new_account("ada")
    told: list[str] = []

    def notice(found: Account) -> OutboxMail:
        told.append(found.email)
        return new_notice()

    row = await new_change(account)
    await confirm(row, "undo", notice=notice)
    assert told == [EMAIL]


async def test_of_two_confirmations_of_a_change_one_wins() -> None:
    row = await new_change(await new_account("ada"))
    ends = await at_once(*(confirm(row, name) for name in ("first", "second")))
    assert len([end for end in ends if end]) == 1
    assert await OutboxMail.all().count() == 1


async def test_of_two_accounts_that_change_to_one_address_at_once_one_wins() -> None:
    ada, bob = await new_account("ada"), await new_account("bob")
    rows = [await new_change(ada), await new_change(bob)]
    ends = await at_once(*(confirm(row, str(row.id)) for row in rows))
    assert [type(end) for end in ends].count(Duplicate) == 1
    assert await Account.filter(email=NEW_EMAIL).count() == 1


async def test_an_address_that_is_reserved_is_taken_for_others_and_not_for_its_account() -> None:
    ada, bob = await new_account("ada"), await new_account("bob")
    await change_to(ada, NEW_EMAIL, "undo")
    with pytest.raises(Duplicate):
        await change_to(bob, EMAIL, "bob")
    assert (await change_to(ada, EMAIL, "back", 1)).email == EMAIL


async def test_an_undo_puts_the_old_address_back_and_ends_all_that_was_open() -> None:
    account = await new_account("ada")
    await change_to(account, NEW_EMAIL, "undo")
    await everything_open(account)
    assert await undo("undo")
    found = await stored(account)
    assert (found.email, found.password_hash, found.password_changed_at) == (EMAIL, "unusable", NOW)
    assert [await model.all().count() for model in (Session, ApiToken, PasswordReset, EmailChange)] == [0, 0, 0, 0]
    assert not await addresses.is_taken(NEW_EMAIL, NOW)


async def test_an_undo_works_once() -> None:
    await change_to(await new_account("ada"), NEW_EMAIL, "undo")
    assert await undo("undo")
    assert not await undo("undo")


async def test_of_two_undos_at_once_one_wins() -> None:
    await change_to(await new_account("ada"), NEW_EMAIL, "undo")
    change = await email_changes.find_undoable("undo", NOW)
    assert change
    ends = await at_once(*(email_changes.undo(change, "unusable", NOW, new_notice()) for _ in range(2)))
    assert len([end for end in ends if end is not None]) == 1


async def test_an_undo_ends_with_its_time() -> None:
    await change_to(await new_account("ada"), NEW_EMAIL, "undo")
    assert await email_changes.find_undoable("undo", UNTIL) is None
    await expired.purge(UNTIL - A_MOMENT)
    assert await email_changes.find_undoable("undo", NOW)
    await expired.purge(UNTIL + A_MOMENT)
    assert await EmailChange.all().count() == 0


async def test_the_first_token_of_several_changes_puts_back_the_first_address_and_ends_the_others() -> None:
    account = await new_account("ada")
    for number, email in enumerate(("b@example.org", "c@example.org", "d@example.org")):
        await change_to(account, email, email, number)
    assert await undo("b@example.org")
    assert (await stored(account)).email == EMAIL
    assert not await undo("c@example.org")
    assert not await undo("d@example.org")


async def test_a_later_token_puts_back_its_own_address_and_the_first_one_still_works() -> None:
    account = await new_account("ada")
    for number, email in enumerate(("b@example.org", "c@example.org", "d@example.org")):
        await change_to(account, email, email, number)
    assert await undo("c@example.org")
    assert (await stored(account)).email == "b@example.org"
    assert not await undo("d@example.org")
    assert await undo("b@example.org")
    assert (await stored(account)).email == EMAIL


async def test_an_undo_after_the_address_came_back_ends_both_changes() -> None:
    account = await new_account("ada")
    await change_to(account, NEW_EMAIL, "first")
    await change_to(account, EMAIL, "second", 1)
    assert await undo("first")
    assert (await stored(account)).email == EMAIL
    assert not await undo("second")


async def test_a_session_that_was_closed_confirms_nothing() -> None:
    """A request may be under way while the owner closes the sessions of somebody else."""
    row = await new_change(await new_account("ada"))
    undo = email_changes.Undo("undo", UNTIL)
    assert await email_changes.confirm(row, undo, NOW, new_notice, session_id=uuid4()) is None
    assert await Account.filter(email=EMAIL).exists()


async def test_an_account_that_takes_the_address_in_the_moment_of_the_change_is_told_from_it() -> None:
    row = await new_change(await new_account("ada"))
    await Account.create(user_id="bob", name="bob", email=NEW_EMAIL, password_hash="hash")
    with pytest.raises(Duplicate):
        await confirm(row, "undo")
    assert await Account.filter(email=EMAIL).exists()
    assert not await EmailChange.filter(confirmed_at__isnull=False).exists()


@pytest.mark.parametrize("step", [(outbox, "enqueue"), (accounts, "lock")], ids=lambda step: step[1])
async def test_a_confirmation_that_fails_at_any_step_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, step: tuple[object, str]
) -> None:
    account = await new_account("ada")
    row = await new_change(account)
    monkeypatch.setattr(*step, fail)
    with pytest.raises(ZeroDivisionError):
        await confirm(row, "undo")
    assert (await stored(account)).email == EMAIL
    assert await email_changes.count_attempt(row.id, account.id, 5)


@pytest.mark.parametrize("step", [(outbox, "enqueue"), (sessions, "close_all")], ids=lambda step: step[1])
async def test_an_undo_that_fails_at_any_step_changes_nothing_and_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, step: tuple[object, str]
) -> None:
    account = await new_account("ada")
    await change_to(account, NEW_EMAIL, "undo")
    with monkeypatch.context() as patch:
        patch.setattr(*step, fail)
        with pytest.raises(ZeroDivisionError):
            await undo("undo")
    assert (await stored(account)).email == NEW_EMAIL
    assert await undo("undo")


async def fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


async def test_what_waits_for_a_code_is_deleted_when_it_has_expired() -> None:
    account = await new_account("ada")
    await new_reset(account)
    await new_change(account)
    await expired.purge(LATER + A_MOMENT)
    assert [await model.all().count() for model in (PasswordReset, EmailChange)] == [0, 0]
