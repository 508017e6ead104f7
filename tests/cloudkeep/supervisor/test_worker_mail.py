"""A worker sends the mails that an API process stores, by the settings of both."""

from uuid import UUID

import pytest

from cloudkeep.settings.settings import Settings
from services.core.clock import now
from services.mail.kinds import EmailChangedMail, MailContent, PasswordChangedMail
from services.mail.stored import row_of
from services.mail.tokens import mail_token
from storage.database.connection import atomically
from storage.outbox import outbox
from tests.conftest import KEYS
from tests.support.backends.smtp_sink import Received, SmtpSink
from tests.support.waiting import eventually

CHANGE = UUID(int=7)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server in Austria."""
    return settings.model_copy(update={"locale": "de-AT"})


async def put(content: MailContent, locale: str | None = None) -> None:
    mail = row_of(content, "ada@example.org", locale, None, KEYS)
    await atomically(lambda: outbox.enqueue(mail, now()))


async def test_mails_are_sent_with_their_tokens_in_the_language_of_the_account_or_the_server(
    server: str, worker: None, sink: SmtpSink
) -> None:
    await put(EmailChangedMail(CHANGE, days=7))
    await put(PasswordChangedMail(), locale="en-GB")

    async def both() -> list[Received] | None:
        return sink.mails if len(sink.mails) == 2 else None

    received = {str(mail.message["Subject"]): mail.text for mail in await eventually(both)}
    assert received.keys() == {"Deine Adresse bei CloudKeep wurde geändert", "Your CloudKeep password was changed"}
    assert mail_token(KEYS[0], EmailChangedMail.kind, CHANGE) in received["Deine Adresse bei CloudKeep wurde geändert"]
