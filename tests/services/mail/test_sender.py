"""Mails that are sent at once, or in a moment by the process itself, to a real mail server that fails."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from services.core.counters import Counters
from services.mail import in_process_queue
from services.mail.errors import MailUnavailable
from services.mail.kinds import PasswordResetMail, RegistrationMail
from services.mail.sender import MailSender
from storage.mail import open_mailer
from tests.support.backends.smtp_sink import SmtpSink, Stage
from tests.support.mail import mail_sender
from tests.support.waiting import eventually

CODE = RegistrationMail("123456", "ada", minutes=10)
RESET = PasswordResetMail("654321", minutes=10)
ADA = "ada@example.org"


@dataclass(frozen=True)
class Bench:
    """A sender, and what it counts."""

    sender: MailSender
    counters: Counters

    def counted(self) -> dict[str, int]:
        """The outcomes of all mails."""
        return {outcome: number for (_, outcome), number in self.counters.mails.items()}


@pytest.fixture
async def bench(sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A sender that repeats fast."""
    monkeypatch.setattr(in_process_queue, "PAUSES", (0.01, 0.01, 0.01))
    counters = Counters()
    mailer = open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none")
    sender = mail_sender(mailer, counters)
    yield Bench(sender, counters)
    await sender.close()
    await mailer.close()


async def test_a_code_is_accepted_by_the_mail_server_before_send_now_returns(bench: Bench, sink: SmtpSink) -> None:
    await bench.sender.send_now(CODE, to=ADA, locale="de")
    (mail,) = sink.mails
    assert mail.message["Subject"] == "123456 ist dein Code für CloudKeep"
    assert "    123456\n" in mail.text
    assert mail.html is not None
    assert bench.counters.mails == {("registration", "sent"): 1}


@pytest.mark.parametrize(("reply", "outcome"), [("451 4.3.0 later", "given_up"), ("550 5.1.1 unknown", "refused")])
async def test_a_code_that_the_mail_server_does_not_accept_is_unavailable_at_once(
    bench: Bench, sink: SmtpSink, reply: str, outcome: str
) -> None:
    sink.replies[Stage.RCPT] = [reply]
    with pytest.raises(MailUnavailable):
        await bench.sender.send_now(CODE, to=ADA)
    assert sink.mails == []
    assert bench.counted() == {outcome: 1}


async def test_a_mail_that_is_sent_later_arrives_once_however_often_it_is_refused_before(
    bench: Bench, sink: SmtpSink
) -> None:
    sink.replies = {Stage.CONTENT: ["451 4.3.0 later"] * 2, Stage.RCPT: ["450 4.2.0 later"]}
    bench.sender.send_later_in_process(RESET, to=ADA)
    assert sink.mails == []
    await eventually(lambda: _sent(bench))
    assert [mail.recipients for mail in sink.mails] == [[ADA]]
    assert bench.counted() == {"retried": 3, "sent": 1}


async def test_a_mail_that_is_sent_later_is_given_up_after_the_last_attempt(bench: Bench, sink: SmtpSink) -> None:
    sink.drop_at = Stage.CONNECT
    bench.sender.send_later_in_process(RESET, to=ADA)
    await eventually(lambda: _ended(bench))
    assert bench.counted() == {"retried": 3, "given_up": 1}


async def test_a_mail_that_is_refused_for_good_is_not_repeated(bench: Bench, sink: SmtpSink) -> None:
    sink.replies[Stage.RCPT] = ["550 5.1.1 unknown"]
    bench.sender.send_later_in_process(RESET, to=ADA)
    await eventually(lambda: _ended(bench))
    assert bench.counted() == {"refused": 1}


async def test_a_mail_that_waits_delays_no_other(bench: Bench, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process_queue, "PAUSES", (3_600.0,))
    sink.replies[Stage.RCPT] = ["451 4.3.0 later"]
    bench.sender.send_later_in_process(RESET, to=ADA)
    await eventually(lambda: _retried(bench))
    bench.sender.send_later_in_process(RESET, to="bob@example.org")
    await eventually(lambda: _sent(bench))
    assert [mail.recipients for mail in sink.mails] == [["bob@example.org"]]


async def test_a_mail_too_many_is_dropped_and_counted(
    bench: Bench, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process_queue, "LIMIT", 3)
    for _ in range(5):
        bench.sender.send_later_in_process(RESET, to=ADA)
    assert bench.counted() == {"dropped": 2}
    await eventually(lambda: _count(bench, "sent", 3))


async def test_a_stop_makes_the_last_attempt_at_once(
    bench: Bench, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process_queue, "PAUSES", (3_600.0, 3_600.0))
    sink.replies[Stage.RCPT] = ["451 4.3.0 later"]
    bench.sender.send_later_in_process(RESET, to=ADA)
    await eventually(lambda: _retried(bench))
    await bench.sender.close()
    assert bench.counted() == {"retried": 1, "sent": 1}
    bench.sender.send_later_in_process(RESET, to=ADA)
    assert bench.counted() == {"retried": 1, "sent": 1, "dropped": 1}


async def test_a_stop_does_not_wait_long_for_a_mail_server_that_is_silent(
    bench: Bench, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process_queue, "CLOSE_SECONDS", 0.1)
    sink.delay = 3_600
    bench.sender.send_later_in_process(RESET, to=ADA)
    await asyncio.sleep(0)
    await bench.sender.close()
    assert bench.counted() == {"dropped": 1}


async def test_a_mail_that_cannot_be_composed_is_dropped_and_counted(bench: Bench) -> None:
    bench.sender.send_later_in_process(RESET, to="not an address")
    await eventually(lambda: _ended(bench))
    assert bench.counted() == {"dropped": 1}


async def _count(bench: Bench, outcome: str, number: int) -> bool:
    return bench.counted().get(outcome, 0) == number


async def _sent(bench: Bench) -> bool:
    return await _count(bench, "sent", 1)


async def _retried(bench: Bench) -> bool:
    return await _count(bench, "retried", 1)


async def _ended(bench: Bench) -> bool:
    return bool({"given_up", "refused", "dropped"} & bench.counted().keys())
