"""Mail URLs: their meaning, and errors that never quote a password."""

import pytest

from storage.mail import MailUrlError, open_mailer
from storage.mail.smtp import Login, Security, SmtpServer
from storage.mail.url import parse_smtp_url


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (
            "smtp://mail.example.org",
            SmtpServer("mail.example.org", 587, Security.STARTTLS, "cloudkeep@mail.example.org"),
        ),
        (
            "smtps://mail.example.org/?from=no-reply+ck@example.org",
            SmtpServer("mail.example.org", 465, Security.IMPLICIT, "no-reply+ck@example.org"),
        ),
        (
            "smtp://ada%40example.org:p%40ss%2F%3A%C3%BC+@mail.example.org:2525",
            SmtpServer(
                "mail.example.org",
                2525,
                Security.STARTTLS,
                "cloudkeep@mail.example.org",
                Login("ada@example.org", "p@ss/:ü+"),
            ),
        ),
        ("smtp://localhost:25?tls=none", SmtpServer("localhost", 25, Security.NONE, "cloudkeep@localhost")),
        ("smtp://[::1]:25?tls=none", SmtpServer("::1", 25, Security.NONE, "cloudkeep@[IPv6:::1]")),
        ("smtp://127.0.0.1:25?tls=none", SmtpServer("127.0.0.1", 25, Security.NONE, "cloudkeep@[127.0.0.1]")),
        ("smtp://mailpit:1025?tls=trusted-network", SmtpServer("mailpit", 1025, Security.NONE, "cloudkeep@mailpit")),
    ],
)
def test_a_url_names_a_server(url: str, server: SmtpServer) -> None:
    assert parse_smtp_url(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "hunter2://host",
        "console:hunter2",
        "smtp://",
        "smtp://user:hunter2@",
        "smtp://user:hunter2@:587",
        "smtp://user:hunter2@host:port",
        "smtp://user:hunter2@host:0",
        "smtp://user:hunter2@host:99999",
        "smtp://user:hunter2@ho<st",
        "smtp://user:hunter2@[::1",
        "smtp://user:hunter2@ho\u2100st",
        "smtp://user:hunter2@host/path",
        "smtp://user:hunter2@host#fragment",
        "smtp://user:12/hunter2@host",
        "smtp://user:12?hunter2@host",
        "smtp://user:12?hunter2=1@host",
        "smtp://user:12#hunter2@host",
        "smtp://user:hunter2 @host",
        "smtp://user:hunter2\n@host",
        "smtp://user:hunter2%ff@host",
        "smtp://user@host",
        "smtp://user:@host",
        "smtp://:hunter2@host",
        "smtp://user:hunter2@host?unknown=1",
        "smtp://user:hunter2@host?tls=none&tls=none",
        "smtp://user:hunter2@host?tls=maybe",
        "smtp://user:hunter2@host?from=Ada",
        "smtp://user:hunter2@host?from=ada@example.org%0ABcc:eve@example.org",
        "smtps://user:hunter2@127.0.0.1?tls=none",
        "smtps://user:hunter2@127.0.0.1?tls=trusted-network",
    ],
)
def test_a_wrong_url_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(MailUrlError) as refusal:
        open_mailer(url)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize("host", ["mail.example.org", "192.0.2.1", "[2001:db8::1]", "localhost.example.org", "0.0.0.0"])
def test_mail_goes_unencrypted_to_this_machine_only(host: str) -> None:
    with pytest.raises(MailUrlError, match="on this machine"):
        open_mailer(f"smtp://{host}?tls=none")


def test_a_password_is_not_in_the_representation_of_a_server() -> None:
    assert "hunter2" not in repr(parse_smtp_url("smtp://user:hunter2@host"))
