"""Mail to a real SMTP server, and every way in which the server can fail."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from storage.mail import Mail, MailError, open_mailer
from tests.support.backends.certificates import Certificates
from tests.support.backends.smtp_sink import SinkTls, Stage, smtp_sink

MAIL = Mail("ada@example.org", "Your code", "It is 123456.\n")
LOGIN = ("cloud@keep", "p@ss/wörd:2")
USERINFO = "cloud%40keep:p%40ss%2Fw%C3%B6rd%3A2"


@pytest.fixture
def trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """Certificates that clients in this process trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    return certificates


async def test_a_mail_is_delivered_over_starttls_with_a_login(trusted: Certificates) -> None:
    async with smtp_sink(tls=SinkTls.STARTTLS, certificates=trusted, login=LOGIN) as sink:
        await open_mailer(f"smtp://{USERINFO}@127.0.0.1:{sink.port}?from=ck@example.org").send(MAIL)
    (mail,) = sink.mails
    assert (mail.user, mail.encrypted, mail.sender, mail.recipients) == (LOGIN[0], True, "ck@example.org", [MAIL.to])
    assert sink.in_clear == b"EHLO [127.0.0.1]\r\nSTARTTLS\r\n"


async def test_a_mail_is_delivered_over_implicit_tls(trusted: Certificates) -> None:
    async with smtp_sink(tls=SinkTls.IMPLICIT, certificates=trusted, login=LOGIN) as sink:
        await open_mailer(f"smtps://{USERINFO}@127.0.0.1:{sink.port}").send(MAIL)
    assert [(mail.encrypted, mail.user, mail.text) for mail in sink.mails] == [(True, LOGIN[0], MAIL.text)]
    assert sink.in_clear == b""


async def test_a_mail_carries_the_headers_of_a_machine_s_mail() -> None:
    async with smtp_sink() as sink:
        await open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none").send(MAIL)
    message = sink.mails[0].message
    assert (message["From"], message["To"], message["Subject"]) == ("cloudkeep@[127.0.0.1]", MAIL.to, MAIL.subject)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@[127.0.0.1]>")
    assert abs(message["Date"].datetime - datetime.now(UTC)) < timedelta(hours=1)


async def test_a_mail_with_html_has_both_parts_and_the_text_comes_first() -> None:
    async with smtp_sink() as sink:
        html = "<!doctype html><p>Your code: <b>123456</b> ✓</p>\n"
        await open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none").send(Mail(MAIL.to, MAIL.subject, "Grüße\n", html))
    (mail,) = sink.mails
    assert mail.message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.message.iter_parts()] == ["text/plain", "text/html"]
    assert (mail.text, mail.html) == ("Grüße\n", html)


async def test_a_mail_that_is_sent_again_keeps_its_message_id() -> None:
    mail = Mail(MAIL.to, MAIL.subject, MAIL.text)
    async with smtp_sink() as sink:
        mailer = open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none&from=ck@example.org")
        await mailer.send(mail)
        await mailer.send(mail)
        await mailer.send(MAIL)
    first, again, other = [received.message["Message-ID"] for received in sink.mails]
    assert first == again == f"<{mail.id}@example.org>"
    assert other != first


async def test_a_wrong_password_is_a_mail_error_that_repeats_no_credentials(trusted: Certificates) -> None:
    async with smtp_sink(tls=SinkTls.STARTTLS, certificates=trusted, login=LOGIN) as sink:
        with pytest.raises(MailError, match=r"refused the login \(535 5\.7\.8\)") as refusal:
            await open_mailer(f"smtp://someone:hunter2@127.0.0.1:{sink.port}").send(MAIL)
    assert "hunter2" not in str(refusal.value)
    assert "someone" not in str(refusal.value)
    assert sink.mails == []


@pytest.mark.parametrize(("scheme", "tls"), [("smtp", SinkTls.STARTTLS), ("smtps", SinkTls.IMPLICIT)])
async def test_an_untrusted_certificate_is_a_mail_error(certificates: Certificates, scheme: str, tls: SinkTls) -> None:
    async with smtp_sink(tls=tls, certificates=certificates, login=LOGIN) as sink:
        with pytest.raises(MailError, match="certificate that is not trusted"):
            await open_mailer(f"{scheme}://{USERINFO}@127.0.0.1:{sink.port}").send(MAIL)
    assert sink.mails == []


async def test_a_certificate_for_another_name_is_a_mail_error(trusted: Certificates) -> None:
    async with smtp_sink(tls=SinkTls.STARTTLS, certificates=trusted) as sink:
        with pytest.raises(MailError, match="not valid for 'localhost'"):
            await open_mailer(f"smtp://localhost:{sink.port}").send(MAIL)


async def test_a_server_without_starttls_learns_nothing() -> None:
    async with smtp_sink(login=LOGIN) as sink:
        with pytest.raises(MailError, match="STARTTLS"):
            await open_mailer(f"smtp://{USERINFO}@127.0.0.1:{sink.port}").send(MAIL)
    assert sink.in_clear == b"EHLO [127.0.0.1]\r\n"


async def test_a_server_without_tls_where_it_is_expected_is_a_mail_error() -> None:
    async with smtp_sink() as sink:
        with pytest.raises(MailError, match="TLS"):
            await open_mailer(f"smtps://127.0.0.1:{sink.port}").send(MAIL)
    assert b"example.org" not in sink.in_clear


async def test_a_refused_connection_is_a_mail_error() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(MailError, match="cannot be reached"):
            await open_mailer(f"smtp://127.0.0.1:{reserved.getsockname()[1]}").send(MAIL)


async def test_a_refused_recipient_is_a_mail_error_with_the_code() -> None:
    async with smtp_sink(refuse_recipients=True) as sink:
        with pytest.raises(MailError, match=r"refused the recipient \(550 5\.1\.1\)"):
            await open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none").send(MAIL)


async def test_a_mail_that_was_accepted_is_sent_even_if_the_goodbye_fails() -> None:
    async with smtp_sink(ignore_quit=True) as sink:
        await open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none", timeout=5).send(MAIL)
        assert len(sink.mails) == 1


async def test_many_mails_at_once_take_few_connections() -> None:
    async with smtp_sink() as sink:
        mailer = open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none")
        await asyncio.gather(*(mailer.send(MAIL) for _ in range(40)))
    assert len(sink.mails) == 40
    assert 1 < sink.most_open < 20


@pytest.mark.parametrize(
    ("stage", "reply", "is_permanent"),
    [
        (Stage.MAIL, "450 4.7.1 greylisted", False),
        (Stage.MAIL, "550 5.7.1 not from you", True),
        (Stage.MAIL, "530 5.7.0 authentication required", False),
        (Stage.RCPT, "451 4.2.1 mailbox busy", False),
        (Stage.RCPT, "452 4.2.2 mailbox full", False),
        (Stage.RCPT, "550 5.1.1 no such mailbox", True),
        (Stage.DATA, "421 4.3.2 going down", False),
        (Stage.DATA, "554 5.5.1 no valid recipients", True),
        (Stage.CONTENT, "451 4.3.0 try again", False),
        (Stage.CONTENT, "554 5.7.1 spam", True),
    ],
)
async def test_a_refusal_says_whether_it_is_final_and_a_later_mail_arrives(
    stage: Stage, reply: str, is_permanent: bool
) -> None:
    async with smtp_sink() as sink:
        mailer = open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none")
        sink.replies[stage] = [reply]
        with pytest.raises(MailError, match=reply[:3]) as refusal:
            await mailer.send(MAIL)
        assert refusal.value.is_permanent is is_permanent
        await mailer.send(MAIL)
    assert [mail.text for mail in sink.mails] == [MAIL.text]


@pytest.mark.parametrize("stage", Stage)
async def test_a_connection_that_is_dropped_at_any_stage_is_an_error_that_may_pass(stage: Stage) -> None:
    async with smtp_sink() as sink:
        mailer = open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none")
        sink.drop_at = stage
        with pytest.raises(MailError) as error:
            await mailer.send(MAIL)
        assert not error.value.is_permanent
        sink.drop_at = None
        await mailer.send(MAIL)
    copies = [mail.message["Message-ID"] for mail in sink.mails]
    # A sender cannot know whether a mail arrived whose reply is missing. The copy has the same Message-ID.
    assert copies == [f"<{MAIL.id}@[127.0.0.1]>"] * (2 if stage is Stage.ACCEPTED else 1)


async def test_a_slow_server_is_waited_for_within_the_timeout() -> None:
    async with smtp_sink() as sink:
        sink.delay = 0.2
        await open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none", timeout=60).send(MAIL)
        assert len(sink.mails) == 1
        sink.delay = 60
        with pytest.raises(MailError, match="in time") as error:
            await open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none", timeout=0.5).send(MAIL)
    assert not error.value.is_permanent


async def test_a_server_that_demands_a_login_that_it_does_not_get_may_be_configured_later(
    trusted: Certificates,
) -> None:
    async with smtp_sink(tls=SinkTls.STARTTLS, certificates=trusted, login=LOGIN) as sink:
        for userinfo in ("", "someone:wrong@"):
            with pytest.raises(MailError, match=r"53[05]") as error:
                await open_mailer(f"smtp://{userinfo}127.0.0.1:{sink.port}").send(MAIL)
            assert not error.value.is_permanent
        await open_mailer(f"smtp://{USERINFO}@127.0.0.1:{sink.port}").send(MAIL)
    assert len(sink.mails) == 1


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def silence(_writer: asyncio.StreamWriter) -> None:
    """Send nothing."""


async def babble(writer: asyncio.StreamWriter) -> None:
    """Send data all the time, endlessly."""
    while not writer.is_closing():
        writer.write(b"220-wait\r\n")
        await asyncio.sleep(0.01)


@dataclass(frozen=True)
class BadServer:
    """A broken server, and whether its one client has connected and disconnected."""

    port: int
    came: asyncio.Event
    left: asyncio.Event


@asynccontextmanager
async def bad_server(answer: Answer) -> AsyncIterator[BadServer]:
    """Serve with nothing but ``answer``."""
    came, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        talk = asyncio.ensure_future(answer(writer))
        with suppress(ConnectionError):
            await reader.read()
        talk.cancel()
        writer.close()
        left.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield BadServer(server.sockets[0].getsockname()[1], came, left)


@pytest.mark.parametrize(("scheme", "answer"), [("smtp", silence), ("smtp", babble), ("smtps", silence)])
async def test_a_server_that_never_comes_to_the_point_is_left(scheme: str, answer: Answer) -> None:
    async with bad_server(answer) as server:
        with pytest.raises(MailError, match="in time"):
            await open_mailer(f"{scheme}://127.0.0.1:{server.port}", timeout=0.2).send(MAIL)
        await asyncio.wait_for(server.left.wait(), 10)


async def test_a_cancelled_send_hangs_up() -> None:
    async with bad_server(silence) as server:
        sending = asyncio.create_task(open_mailer(f"smtp://127.0.0.1:{server.port}").send(MAIL))
        await asyncio.wait_for(server.came.wait(), 10)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.wait_for(server.left.wait(), 10)
