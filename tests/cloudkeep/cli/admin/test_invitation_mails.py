"""Invitations that ``cloudkeep admin`` mails."""

import asyncio
from pathlib import Path

from cloudkeep.settings.settings import Settings
from tests.support.backends.smtp_sink import SmtpSink, Stage
from tests.support.process import cloudkeep

EMAIL = "carol@example.org"


async def _invite(settings: Settings, folder: Path) -> tuple[int, str, str]:
    place = {"DATA_DIR": str(folder), "DATABASE_URL": settings.database_url, "MAIL_URL": settings.mail_url}
    ended = await asyncio.to_thread(cloudkeep, "admin", "invite", EMAIL, **place)
    return ended.returncode, ended.stdout.strip(), ended.stderr.splitlines()[-1]


async def test_an_invitation_of_an_address_is_mailed_there(settings: Settings, sink: SmtpSink, tmp_path: Path) -> None:
    code, token, last = await _invite(settings, tmp_path)
    assert (code, last) == (0, f"It was mailed to {EMAIL}.")
    (mail,) = sink.mails
    assert mail.recipients == [EMAIL]
    assert token in mail.text


async def test_a_mail_that_is_refused_is_reported_and_the_token_is_still_printed(
    settings: Settings, sink: SmtpSink, tmp_path: Path
) -> None:
    sink.replies[Stage.RCPT] = ["550 no such user"]
    code, token, last = await _invite(settings, tmp_path)
    assert code == 1
    assert token.startswith("cki_")
    assert last.startswith(f"The mail to {EMAIL} was not sent: ")
    assert last.endswith("Give the token to them yourself.")
