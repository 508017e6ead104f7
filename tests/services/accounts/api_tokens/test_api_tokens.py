"""API tokens: creating, recognising and revoking them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from services.accounts.api_tokens import PREFIX, ApiTokens
from services.accounts.api_tokens.mails import MAILS, ApiTokenMails
from services.accounts.api_tokens.use import ApiTokenUse
from services.accounts.errors import TooManyApiTokens, Unauthenticated
from services.accounts.types import ApiTokenScope, NewApiToken
from services.core import checked_tokens
from services.core.clock import now
from services.core.errors import ExpectedError, InvalidInput
from storage.accounts.models import Account, ApiToken
from storage.database.connection import database_time
from storage.database.pages import Window
from storage.jobs.models import Job, JobKind
from storage.mail import open_mailer
from storage.outbox.models import OutboxMail
from tests.support.mail import mail_sender
from tests.support.waiting import eventually

LIMIT = 5


@pytest.fixture
async def use(database: str) -> AsyncIterator[ApiTokenUse]:
    """The collected uses of this process."""
    collected = ApiTokenUse()
    await collected.start()
    yield collected
    await collected.close()


@pytest.fixture
async def mails() -> AsyncIterator[ApiTokenMails]:
    """The mails about new tokens."""
    mailer = open_mailer("console:")
    yield ApiTokenMails(mail_sender(mailer))
    await mailer.close()


@pytest.fixture
def tokens(use: ApiTokenUse, mails: ApiTokenMails) -> ApiTokens:
    return ApiTokens(use, mails, LIMIT)


@pytest.fixture
def other_process(use: ApiTokenUse, mails: ApiTokenMails) -> ApiTokens:
    """The same service in another process."""
    return ApiTokens(use, mails, LIMIT)


async def create(tokens: ApiTokens, account_id: UUID, **changes: Any) -> NewApiToken:
    given = {"name": "a script", "scopes": [ApiTokenScope.READ], "expires_at": None, **changes}
    return await tokens.create(account_id, **given)


async def test_a_new_token_signs_in_with_its_scopes_and_without_a_session(tokens: ApiTokens, ada: UUID) -> None:
    created = await create(tokens, ada, scopes=[ApiTokenScope.UPLOAD, ApiTokenScope.READ])
    viewer = await tokens.viewer_of(created.secret)
    assert (viewer.account_id, viewer.session_id, viewer.expires_at) == (ada, None, None)
    assert viewer.api_token_id == created.row.id
    assert viewer.scopes == frozenset({ApiTokenScope.READ, ApiTokenScope.UPLOAD})


async def test_the_text_of_a_token_is_stored_nowhere(tokens: ApiTokens, ada: UUID) -> None:
    created = await create(tokens, ada)
    (stored,) = await ApiToken.all().values()
    assert created.secret not in str(stored)
    assert created.secret[4:20] not in str(stored)
    assert stored["secret_hash"] == checked_tokens.digest(created.secret)
    assert created.secret.endswith(stored["last_characters"])


@pytest.mark.parametrize("flaw", ["truncated", "mistyped", "empty"])
async def test_a_token_with_a_typing_error_is_refused_without_a_query(
    tokens: ApiTokens, caplog: pytest.LogCaptureFixture, flaw: str
) -> None:
    secret = checked_tokens.new(PREFIX)
    typed = {"truncated": secret[:-1], "mistyped": secret[:-1] + "-", "empty": "ckp_"}[flaw]
    with caplog.at_level(logging.DEBUG, "tortoise.db_client"), pytest.raises(Unauthenticated, match="typing error"):
        await tokens.viewer_of(typed)
    assert not caplog.records


async def test_a_token_that_was_never_issued_is_refused(tokens: ApiTokens, ada: UUID) -> None:
    with pytest.raises(Unauthenticated, match="invalid"):
        await tokens.viewer_of(checked_tokens.new(PREFIX))


async def test_an_expired_token_is_refused(tokens: ApiTokens, ada: UUID) -> None:
    created = await create(tokens, ada, expires_at=now() + timedelta(days=1))
    await ApiToken.all().update(expires_at=now() - timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await tokens.viewer_of(created.secret)


async def test_a_revoked_token_is_refused_at_once_in_this_process_and_soon_in_others(
    tokens: ApiTokens, other_process: ApiTokens, ada: UUID
) -> None:
    created = await create(tokens, ada)
    await asyncio.gather(tokens.viewer_of(created.secret), other_process.viewer_of(created.secret))
    await tokens.revoke(created.row)
    with pytest.raises(Unauthenticated):
        await tokens.viewer_of(created.secret)
    await eventually(lambda: is_refused(other_process, created.secret))


async def test_a_token_of_a_disabled_account_is_soon_refused(tokens: ApiTokens, ada: UUID) -> None:
    created = await create(tokens, ada)
    await tokens.viewer_of(created.secret)
    await Account.filter(id=ada).update(disabled_at=await database_time())
    await eventually(lambda: is_refused(tokens, created.secret))


async def is_refused(tokens: ApiTokens, secret: str) -> bool:
    try:
        await tokens.viewer_of(secret)
    except Unauthenticated:
        return True
    return False


async def test_a_scope_of_a_newer_version_allows_nothing(tokens: ApiTokens, ada: UUID) -> None:
    created = await create(tokens, ada)
    await ApiToken.all().update(scopes=["READ", "TELEPATHY"])
    assert (await tokens.viewer_of(created.secret)).scopes == frozenset({ApiTokenScope.READ})


async def test_an_expiry_is_stored_in_utc(tokens: ApiTokens, ada: UUID) -> None:
    moment = datetime(2999, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    await create(tokens, ada, expires_at=moment)
    assert (await ApiToken.get()).expires_at == datetime(2999, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "\u200b"}),
        ("name", {"name": "a" * 101}),
        ("scopes", {"scopes": []}),
        ("expiresAt", {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}),
        ("expiresAt", {"expires_at": datetime(2999, 1, 1)}),
        ("expiresAt", {"expires_at": datetime.max.replace(tzinfo=timezone(-timedelta(hours=23)))}),
        ("expiresAt", {"expires_at": datetime.min.replace(tzinfo=timezone(timedelta(hours=23)))}),
    ],
)
async def test_an_input_that_breaks_a_rule_creates_nothing(
    tokens: ApiTokens, ada: UUID, field: str, change: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await create(tokens, ada, **change)
    assert caught.value.field == field
    assert not await ApiToken.all().count()


async def test_all_errors_of_an_input_are_reported_together(tokens: ApiTokens, ada: UUID) -> None:
    with pytest.raises(ExpectedError) as caught:
        await create(tokens, ada, name="", scopes=[])
    assert [error.field for error in (caught.value, *caught.value.others)] == ["name", "scopes"]


async def test_an_account_has_no_more_tokens_than_it_may_have_even_if_they_are_created_at_once(
    tokens: ApiTokens, ada: UUID, bob: UUID
) -> None:
    results = await asyncio.gather(*(create(tokens, ada) for _ in range(2 * LIMIT)), return_exceptions=True)
    assert sum(isinstance(result, TooManyApiTokens) for result in results) == LIMIT
    assert await ApiToken.all().count() == LIMIT
    await create(tokens, bob)


async def test_expired_tokens_make_room_for_new_ones(tokens: ApiTokens, ada: UUID) -> None:
    for _ in range(LIMIT):
        await create(tokens, ada, expires_at=now() + timedelta(days=1))
    await ApiToken.all().update(expires_at=now() - timedelta(seconds=1))
    await create(tokens, ada)


async def test_a_list_has_the_tokens_of_one_account_the_newest_first(tokens: ApiTokens, ada: UUID, bob: UUID) -> None:
    names = [(await create(tokens, ada, name=str(number))).row.name for number in range(3)]
    await create(tokens, bob)
    assert [row.name for row in await tokens.page(ada, Window(10))] == names[::-1]
    assert await tokens.count(ada) == 3


async def test_the_last_use_of_many_tokens_is_stored_by_few_statements(
    tokens: ApiTokens, ada: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    created = [await create(tokens, ada) for _ in range(LIMIT)]
    with caplog.at_level(logging.DEBUG, "tortoise.db_client"):
        for _ in range(3):
            await asyncio.gather(*(tokens.viewer_of(each.secret) for each in created))

        async def are_stored() -> bool:
            return not await ApiToken.filter(last_used_at=None).exists()

        await eventually(are_stored)
        await asyncio.gather(*(tokens.viewer_of(each.secret) for each in created))
    assert sum("UPDATE" in record.getMessage() for record in caplog.records) < LIMIT


async def test_a_use_just_before_the_end_of_a_process_is_stored(mails: ApiTokenMails, ada: UUID) -> None:
    use = ApiTokenUse()
    tokens = ApiTokens(use, mails, LIMIT)
    await use.start()
    await tokens.viewer_of((await create(tokens, ada)).secret)
    await use.close()
    assert (await ApiToken.get()).last_used_at is not None


async def test_the_owner_gets_a_mail_about_a_new_token_without_its_name_and_its_text(
    tokens: ApiTokens, ada: UUID
) -> None:
    created = await create(tokens, ada, name="see x.test", scopes=[ApiTokenScope.UPLOAD, ApiTokenScope.READ])
    (mail,) = await OutboxMail.all()
    assert (mail.kind, mail.recipient, mail.account_id) == ("api_token_created", "ada@example.org", ada)
    assert (mail.params["last_characters"], mail.params["scopes"]) == (created.secret[-4:], "READ, UPLOAD")
    assert "x.test" not in str(mail.params)
    assert created.secret not in str(mail.params)
    assert await Job.filter(kind=JobKind.MAIL, subject_id=mail.id).count() == 1


async def test_there_is_no_mail_about_a_token_that_was_not_created(tokens: ApiTokens, ada: UUID) -> None:
    for _ in range(LIMIT):
        await create(tokens, ada)
    with pytest.raises(TooManyApiTokens):
        await create(tokens, ada)
    assert await OutboxMail.all().count() == LIMIT


async def test_tokens_that_were_not_created_do_not_use_up_the_mails(tokens: ApiTokens, ada: UUID) -> None:
    created = [await create(tokens, ada) for _ in range(LIMIT)]
    for _ in range(MAILS):
        with pytest.raises(TooManyApiTokens):
            await create(tokens, ada)
    await tokens.revoke(created[0].row)
    await create(tokens, ada)
    assert await OutboxMail.all().count() == LIMIT + 1


async def test_tokens_that_are_created_and_revoked_again_and_again_send_few_mails(tokens: ApiTokens, ada: UUID) -> None:
    for _ in range(MAILS + 3):
        await tokens.revoke((await create(tokens, ada)).row)
    assert await OutboxMail.all().count() == MAILS
