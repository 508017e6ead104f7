"""What every mailer promises, tested for each implementation."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from storage.mail import Mail, Mailer, open_mailer
from tests.support.backends.smtp_sink import smtp_sink

MAIL = Mail("jürgen+drive@bücher.example", "Ihr Code für CloudKeep ✓", "Grüße,\n.\n..Ihr Code: 123456\n\n📼 日本語\n")
_BLOCK = re.compile(r"--- mail to (.+) ---\nSubject: (.+)\n\n((?:.*\n)*?)--- end of mail ---\n")


@dataclass(frozen=True)
class Backend:
    """A mailer, and the mails that it has delivered."""

    mailer: Mailer
    arrived: Callable[[], list[Mail]]


@asynccontextmanager
async def console_backend(capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Backend]:
    def arrived() -> list[Mail]:
        return [Mail(*block) for block in _BLOCK.findall(capsys.readouterr().out)]

    yield Backend(open_mailer("console:"), arrived)


@asynccontextmanager
async def smtp_backend(_capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Backend]:
    async with smtp_sink() as sink:

        def arrived() -> list[Mail]:
            return [Mail(mail.recipients[0], mail.message["Subject"], mail.text) for mail in sink.mails]

        yield Backend(open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none"), arrived)


OpenBackend = Callable[[pytest.CaptureFixture[str]], AbstractAsyncContextManager[Backend]]


@pytest.fixture(params=[console_backend, smtp_backend])
async def backend(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Backend]:
    open_backend: OpenBackend = request.param
    async with open_backend(capsys) as opened:
        yield opened
        await opened.mailer.close()


async def test_a_mail_arrives_whole(backend: Backend) -> None:
    await backend.mailer.send(MAIL)
    assert backend.arrived() == [MAIL]


async def test_a_text_of_long_lines_arrives_whole(backend: Backend) -> None:
    mail = Mail("ada@example.org", "Long " * 40 + "subject", "Ω" * 5_000 + "\n" + "word " * 5_000 + "end\n")
    await backend.mailer.send(mail)
    assert backend.arrived() == [mail]


async def test_the_last_line_arrives_with_a_newline(backend: Backend) -> None:
    await backend.mailer.send(Mail("ada@example.org", "Hello", "no newline"))
    assert backend.arrived()[0].text == "no newline\n"


async def test_mails_sent_at_once_arrive_each_by_itself(backend: Backend) -> None:
    mails = {Mail(f"user{number}@example.org", f"Mail {number}", f"{number}\n" * 500) for number in range(20)}
    await asyncio.gather(*map(backend.mailer.send, mails))
    assert set(backend.arrived()) == mails


async def test_a_mailer_may_be_closed_twice(backend: Backend) -> None:
    await backend.mailer.close()
    await backend.mailer.close()
