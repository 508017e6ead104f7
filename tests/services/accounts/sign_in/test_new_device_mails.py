"""The mails about sign-ins from new devices."""

import pytest

from services.accounts.sessions.sessions import Client
from services.accounts.sign_in.new_device_mails import MAILS
from storage.jobs.models import Job, JobKind
from storage.outbox.models import OutboxMail
from tests.services.accounts.conftest import EMAIL, AccountServices, World
from tests.support.backends.smtp_sink import SmtpSink

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
async def accounts(world: World, sink: SmtpSink) -> AccountServices:
    """Services with one account."""
    services = world.accounts()
    await services.join(sink)
    return services


async def test_the_owner_gets_a_mail_when_a_new_device_signs_in(accounts: AccountServices) -> None:
    opened = await accounts.login(client=Client("192.0.2.9", FIREFOX))
    (mail,) = await OutboxMail.all()
    assert (mail.kind, mail.recipient, mail.account_id) == ("new_sign_in", EMAIL, opened.account.id)
    assert mail.params["address"] == "192.0.2.9"
    assert mail.params["device"] == FIREFOX.replace(":", " ")
    assert mail.params["time"].endswith(" UTC")
    assert await Job.filter(kind=JobKind.MAIL, subject_id=mail.id).count() == 1


async def test_there_is_no_mail_for_a_registration_or_a_known_device(accounts: AccountServices) -> None:
    token = (await accounts.login()).device_token
    for _ in range(3):
        token = (await accounts.login(device_token=token)).device_token
    assert await OutboxMail.all().count() == 1


async def test_an_owner_gets_a_few_mails_an_hour(accounts: AccountServices) -> None:
    for _ in range(MAILS + 3):
        await accounts.login()
    assert await OutboxMail.all().count() == MAILS


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [(None, "unknown"), ("", "unknown"), ("\r\n\u202e", "unknown"), ("see https://x.test/a", "see https  x.test/a")],
)
async def test_a_user_agent_becomes_no_link_and_breaks_no_line(
    accounts: AccountServices, user_agent: str | None, shown: str
) -> None:
    await accounts.login(client=Client("", user_agent))
    (mail,) = await OutboxMail.all()
    assert (mail.params["device"], mail.params["address"]) == (shown, "unknown")
