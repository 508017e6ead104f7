"""Outgoing mail, through the backend that a URL names."""

from storage.mail.base import Mail, Mailer, MailError, MailUrlError
from storage.mail.console import ConsoleMailer
from storage.mail.smtp import SmtpMailer
from storage.mail.url import parse_smtp_url

__all__ = ["Mail", "MailError", "MailUrlError", "Mailer", "open_mailer"]


def open_mailer(url: str, *, timeout: float = 10.0) -> Mailer:
    """Return the mailer a URL names; ``timeout`` bounds one send, in seconds. Connects to nothing yet.

    - ``console:`` prints mails to standard output.
    - ``smtp://user:password@host:587`` requires STARTTLS, ``smtps://user:password@host:465`` speaks TLS from the
      start; both check the certificate. Without user and password there is no login.
    - ``?from=address`` sets the sender, ``cloudkeep@host`` otherwise.
    - ``?tls=none``, with ``smtp://`` and a loopback host only, sends unencrypted;
      ``?tls=trusted-network`` does so to any host.

    Raises MailUrlError, whose message quotes nothing of the URL.
    """
    if url == "console:":
        return ConsoleMailer(timeout=timeout)
    if url.startswith(("smtp://", "smtps://")):
        return SmtpMailer(parse_smtp_url(url), timeout=timeout)
    raise MailUrlError("a mail URL is console: or starts with smtp:// or smtps://")
