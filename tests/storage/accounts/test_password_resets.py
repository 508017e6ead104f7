"""Rows of forgotten passwords: one guess in five, one reset, and nothing of the old account is left open."""

import asyncio
from uuid import UUID, uuid4

import pytest

from storage.accounts import api_tokens, credentials, email_changes, password_resets, sessions
from storage.accounts.models import Account, ApiToken, EmailChange, PasswordReset, Session
from storage.outbox import outbox
from storage.outbox.models import OutboxMail
from tests.storage.accounts.credential_rows import (
    at_once,
    confirm,
    everything_open,
    new_change,
    new_notice,
    new_reset,
    stored,
)
from tests.storage.rows import LATER, NOW, new_account

pytestmark = pytest.mark.usefixtures("database")


async def test_guesses_are_counted_and_limited() -> None:
    reset = await new_reset(await new_account())
    guesses = [await password_resets.count_attempt(reset.id, 3) for _ in range(5)]
    assert [found.attempts if found else None for found in guesses] == [1, 2, 3, None, None]
    assert await password_resets.count_attempt(uuid4(), 3) is None


async def test_of_many_guesses_at_once_no_more_than_the_limit_count() -> None:
    reset = await new_reset(await new_account())
    guesses = await asyncio.gather(*(password_resets.count_attempt(reset.id, 5) for _ in range(20)))
    assert len([found for found in guesses if found]) == 5


async def test_a_reset_ends_all_that_was_open_and_queues_the_notice() -> None:
    account = await new_account()
    reset = await everything_open(account)
    keys = [session.id for session in await Session.all()]
    assert await password_resets.complete(reset, "new", NOW, new_notice()) == keys
    found = await stored(account)
    assert (found.password_hash, found.password_changed_at) == ("new", NOW)
    assert [await model.all().count() for model in (Session, ApiToken, PasswordReset, EmailChange)] == [0, 0, 0, 0]
    assert await OutboxMail.all().count() == 1


async def test_other_accounts_keep_what_they_have() -> None:
    ada, bob = await new_account(), await new_account("bob")
    reset = await everything_open(ada)
    await everything_open(bob)
    await password_resets.complete(reset, "new", NOW, new_notice())
    assert [await model.filter(account_id=bob.id).count() for model in (Session, ApiToken, PasswordReset)] == [2, 1, 1]
    assert (await stored(bob)).password_hash == bob.password_hash


async def test_no_reset_is_stored_for_an_address_that_the_account_no_longer_has() -> None:
    account = await new_account("ada")
    await confirm(await new_change(account), "undo")
    row = PasswordReset(account_id=account.id, otp_hash="otp", expires_at=LATER)
    assert not await password_resets.insert(row, account.email)
    assert await PasswordReset.all().count() == 0


async def test_of_two_resets_with_the_same_code_one_wins() -> None:
    account = await new_account()
    reset = await new_reset(account)
    ends = await at_once(*(password_resets.complete(reset, name, NOW, new_notice()) for name in ("first", "second")))
    assert ends in ([[], None], [None, []])
    assert (await stored(account)).password_hash in ("first", "second")
    assert await OutboxMail.all().count() == 1


async def test_of_two_resets_with_different_codes_one_wins() -> None:
    account = await new_account()
    resets = [await new_reset(account), await new_reset(account)]
    ends = await at_once(*(password_resets.complete(reset, "new", NOW, new_notice()) for reset in resets))
    assert len([end for end in ends if end is not None]) == 1


async def test_a_disabled_account_is_not_reset() -> None:
    account = await new_account()
    reset = await new_reset(account)
    await Account.filter(id=account.id).update(disabled_at=NOW)
    assert await password_resets.complete(reset, "new", NOW, new_notice()) is None
    assert (await stored(account)).password_hash == account.password_hash


@pytest.mark.parametrize(
    "step", [(credentials, "set_password"), (outbox, "enqueue"), (sessions, "close_all")], ids=lambda step: step[1]
)
async def test_a_reset_that_fails_at_any_step_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, step: tuple[object, str]
) -> None:
    account = await new_account()
    reset = await everything_open(account)
    monkeypatch.setattr(*step, fail)
    with pytest.raises(ZeroDivisionError):
        await password_resets.complete(reset, "new", NOW, new_notice())
    assert (await stored(account)).password_hash == account.password_hash
    assert [await model.all().count() for model in (Session, ApiToken, PasswordReset, EmailChange)] == [2, 1, 1, 1]
    assert await OutboxMail.all().count() == 0


async def fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


async def test_a_change_of_password_keeps_its_own_session_and_the_tokens() -> None:
    account = await new_account()
    await everything_open(account)
    kept, other = [session.id for session in await Session.all()]
    closed = await credentials.replace_password(account, "new", NOW, new_notice(), kept_session=kept)
    assert closed == [other]
    assert [UUID(str(key)) for key in await Session.all().values_list("id", flat=True)] == [kept]
    assert [await model.all().count() for model in (ApiToken, PasswordReset, EmailChange)] == [1, 0, 0]
    assert (await stored(account)).password_changed_at == NOW


async def test_a_request_that_is_under_way_creates_no_token_after_a_reset() -> None:
    account = await new_account()
    reset = await everything_open(account)
    (session_id, _) = [session.id for session in await Session.all()]
    await password_resets.complete(reset, "new", NOW, new_notice())
    row = ApiToken(account_id=account.id, name="token", secret_hash="hash", last_characters="1234", scopes=[])
    with pytest.raises(api_tokens.SessionClosed):
        await api_tokens.insert(row, 10, NOW, session_id=session_id)
    assert await ApiToken.all().count() == 0


async def test_of_two_changes_of_password_one_wins() -> None:
    account = await new_account()
    await everything_open(account)
    (kept, _) = [session.id for session in await Session.all()]
    ends = await at_once(
        *(
            credentials.replace_password(account, name, NOW, new_notice(), kept_session=kept)
            for name in ("first", "second")
        )
    )
    assert len([end for end in ends if end is not None]) == 1


async def test_a_reset_and_a_change_of_password_at_once_leave_one_password_and_no_code() -> None:
    account = await new_account()
    reset = await everything_open(account)
    (kept, _) = [session.id for session in await Session.all()]
    await at_once(
        password_resets.complete(reset, "reset", NOW, new_notice()),
        credentials.replace_password(account, "changed", LATER, new_notice(), kept_session=kept),
    )
    assert (await stored(account)).password_hash in ("reset", "changed")
    assert await PasswordReset.all().count() == 0


async def test_a_confirmed_change_of_address_can_still_be_undone_after_a_reset() -> None:
    account = await new_account()
    await confirm(await new_change(account), "undo")
    await password_resets.complete(await new_reset(account), "new", NOW, new_notice())
    assert await email_changes.find_undoable("undo", NOW)
