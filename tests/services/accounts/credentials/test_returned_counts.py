"""What did not take place is not counted: neither a mail that was not sent, nor a guess that was right."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from uuid_utils.compat import uuid7

from services.accounts.attempts import DEFAULT_MAILS, Attempts
from services.accounts.codes import ATTEMPTS, Codes
from services.accounts.credentials.email_change import EmailChanges
from services.accounts.credentials.mailed_codes import MailedCodes
from services.accounts.credentials.password_recovery import PasswordRecovery
from services.accounts.errors import ServerBusy
from services.accounts.mail_allowance import MailAllowance
from services.accounts.passwords.password_rules import PasswordRules
from services.accounts.passwords.passwords import Passwords
from services.accounts.sessions.session_limits import SessionLimits
from services.accounts.sessions.sessions import Client, Sessions
from services.accounts.tokens import AccessTokens, Viewer
from services.core.background import BackgroundWork
from services.core.clock import now
from services.core.errors import InvalidInput
from services.mail.errors import MailUnavailable
from storage.accounts import password_resets
from storage.accounts.models import Account, PasswordReset
from storage.mail import Mail, MailError
from tests.conftest import KEYS
from tests.support.mail import mail_sender

CLIENT = Client("192.0.2.1")
HOUR = timedelta(hours=1)
CODE = "123456"
NEW_PASSWORD = "a new horse battery"

pytestmark = pytest.mark.usefixtures("database")


class UnreliableMailer:
    """A mail server that can go away and come back."""

    is_away = True

    async def send(self, mail: Mail) -> None:
        if self.is_away:
            raise MailError("away")

    async def close(self) -> None:
        """Nothing is open."""


class BusyPasswords(Passwords):
    """A queue of passwords that is full."""

    async def hash(self, password: str, address: str = "") -> str:
        raise ServerBusy("full")


class FullQueue(BackgroundWork):
    """Work after responses, for which there is no place."""

    def __init__(self) -> None:
        super().__init__(limit=0)


class Process:
    """The services of one process."""

    def __init__(self, passwords: Passwords) -> None:
        self.mailer = UnreliableMailer()
        self.sessions = Sessions(AccessTokens(KEYS, HOUR), KEYS, SessionLimits(HOUR))
        attempts = Attempts(KEYS)
        self.codes, sender = Codes(KEYS), mail_sender(self.mailer)
        mailed = MailedCodes(self.codes, attempts, MailAllowance(attempts), sender, HOUR)
        self.changes = EmailChanges(mailed, self.sessions, passwords, KEYS)
        self.recovery = PasswordRecovery(mailed, passwords, PasswordRules(), self.sessions, BackgroundWork())
        self.busy_recovery = PasswordRecovery(mailed, passwords, PasswordRules(), self.sessions, FullQueue())

    async def waiting_reset(self, account: Account) -> PasswordReset:
        """A reset that waits for ``CODE``."""
        key = uuid7()
        row = PasswordReset(id=key, account_id=account.id, otp_hash=self.codes.hash(key, CODE), expires_at=now() + HOUR)
        assert await password_resets.insert(row, account.email)
        return row

    async def reset(self, row: PasswordReset, password: str = NEW_PASSWORD) -> None:
        await self.recovery.reset(reset_id=row.id, otp=CODE, new_password=password)


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    passwords = Passwords()
    yield Process(passwords)
    passwords.close()


@pytest.fixture
async def account(database: str) -> Account:
    return await Account.create(user_id="ada.lovelace", name="Ada", email="ada@example.org", password_hash="x")


async def test_mails_that_no_mail_server_accepts_do_not_use_up_those_of_the_account(
    process: Process, account: Account
) -> None:
    opened = await process.sessions.open(account, CLIENT)
    viewer = Viewer(account.id, opened.session.id)
    for _ in range(DEFAULT_MAILS):
        with pytest.raises(MailUnavailable):
            await process.changes.request(viewer, "lovelace@example.org", CLIENT)
    process.mailer.is_away = False
    await process.changes.request(viewer, "lovelace@example.org", CLIENT)


async def test_resets_for_which_there_is_no_place_do_not_use_up_the_mails_of_the_address(process: Process) -> None:
    for _ in range(DEFAULT_MAILS):
        with pytest.raises(ServerBusy):
            await process.busy_recovery.request("ada@example.org", CLIENT)
    await process.recovery.request("ada@example.org", CLIENT)


async def test_a_right_code_stays_valid_while_the_new_password_is_refused(process: Process, account: Account) -> None:
    row = await process.waiting_reset(account)
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(InvalidInput):
            await process.reset(row, "adalovelace1815")
    await process.reset(row)


async def test_a_right_code_stays_valid_while_too_many_passwords_wait(account: Account) -> None:
    busy, process = Process(BusyPasswords()), Process(Passwords())
    row = await process.waiting_reset(account)
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(ServerBusy):
            await busy.reset(row)
    await process.reset(row)
