"""The codes of resets and changes of address below the API."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.accounts.attempts import GUESSES, Attempts
from services.accounts.codes import Codes
from services.accounts.credentials.mailed_codes import MailedCodes
from services.accounts.errors import InvalidOtp
from services.accounts.mail_allowance import MailAllowance
from services.core.clock import now
from storage.accounts.attempts import AttemptKind
from storage.accounts.models import Attempt
from storage.mail import Mailer, open_mailer
from tests.services.accounts.conftest import EMAIL, OLD
from tests.support.mail import mail_sender

CODE = "123456"


@dataclass
class Row:
    """A row that waits for ``CODE``, and whose guess was counted by a write of its own."""

    id: UUID
    otp_hash: str
    attempts: int
    expires_at: datetime


@pytest.fixture
def mailer() -> Mailer:
    return open_mailer("smtp://127.0.0.1:9?tls=none")


async def test_a_refused_guess_writes_as_much_as_one_for_a_row_that_does_not_exist(
    database: str, mailer: Mailer
) -> None:
    codes, attempts = Codes([OLD]), Attempts([OLD])
    mailed = MailedCodes(codes, attempts, MailAllowance(attempts), mail_sender(mailer), timedelta(minutes=10))
    row = Row(uuid4(), "", 2, now() + timedelta(minutes=10))
    row.otp_hash = codes.hash(row.id, CODE)
    for _ in range(GUESSES):
        await attempts.require(AttemptKind.OTP, EMAIL)

    async def writes(existing: Row | None) -> int:
        before = await Attempt.all().count()
        with pytest.raises(InvalidOtp):
            await mailed.require_match(existing, row.id, CODE, EMAIL if existing else None)
        return await Attempt.all().count() - before

    # The guess of a row that exists is counted in the row as well.
    assert await writes(row) + 1 == await writes(None)
