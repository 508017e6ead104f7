"""Mail over SMTP, with a connection for each mail."""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from enum import StrEnum

import aiosmtplib

from storage.mail.base import Mail, MailError

_MAX_CONNECTIONS = 8  # submission servers commonly refuse more than ten from one client
# An address literal, which RFC 5321 section 4.1.4 requires of a client without a name. The library would look the host
# name up in the DNS, which takes longer than the timeout if reverse lookups get no reply.
_CLIENT_NAME = "[127.0.0.1]"
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
#: RFC 4954, section 6: "authentication required" and the like may come as the reply to any command.
_LOGIN_REPLIES = (530, 534, 535, 538)
_REFUSALS_OF_A_MAIL = (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)
_SEND_ERRORS = (aiosmtplib.SMTPException, OSError, ValueError)


class Security(StrEnum):
    """How the connection is protected. With TLS the server's certificate is always checked."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True)
class Login:
    """Credentials for the mail server."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class SmtpServer:
    """A mail server and how to connect to it. ``sender`` is the bare address that mails come from."""

    host: str
    port: int
    security: Security
    sender: str
    login: Login | None = None


class SmtpMailer:
    """Sends through one SMTP server. ``timeout``: seconds for a whole send, including the wait for a free connection.

    The trusted certificates are read once: the system's, or those of SSL_CERT_FILE and SSL_CERT_DIR.
    """

    def __init__(self, server: SmtpServer, *, timeout: float = 10.0) -> None:
        self._server = server
        self._timeout = timeout
        self._trust = ssl.create_default_context()
        self._connections = asyncio.Semaphore(_MAX_CONNECTIONS)

    async def send(self, mail: Mail) -> None:
        """Return once the server has accepted the mail; raise MailError when it has not."""
        message = _compose(mail, self._server.sender)
        client = self._client()
        accepted = False
        try:
            async with asyncio.timeout(self._timeout), self._connections:
                await client.connect()
                await client.send_message(message, sender=self._server.sender, recipients=[mail.to])
                accepted = True
                await client.quit(timeout=self._timeout / 10)
        except _SEND_ERRORS as error:
            # When QUIT fails after the mail was accepted, the caller must not send it again.
            if not accepted:
                reason = f"mail server {self._server.host}:{self._server.port} {_reason(error)}"
                raise MailError(reason, is_permanent=_is_permanent(error)) from None
        finally:
            client.close()

    async def close(self) -> None:
        """Does nothing: no connection is open between two mails."""

    def _client(self) -> aiosmtplib.SMTP:
        server, login = self._server, self._server.login
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=login.user if login else None,
            password=login.password if login else None,
            local_hostname=_CLIENT_NAME,
            timeout=None,
            use_tls=server.security is Security.IMPLICIT,
            start_tls=server.security is Security.STARTTLS,
            tls_context=self._trust,
        )


def _compose(mail: Mail, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = datetime.now(UTC)
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


def _is_permanent(error: Exception) -> bool:
    """Whether the server refused this mail for good: its sender, its recipient or its data, with a 5xx reply.

    A wrong login, a refused greeting or a missing extension is about the configuration. An operator can correct it, so
    the mail may be sent later.
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return any(map(_is_permanent, error.recipients))
    if isinstance(error, _REFUSALS_OF_A_MAIL):
        return error.code >= 500 and error.code not in _LOGIN_REPLIES
    return False


def _reason(error: Exception) -> str:
    """The reason, without a quote from the server: its reply to a login may repeat the password."""
    if isinstance(error.__cause__, ssl.SSLError):
        return _reason(error.__cause__)
    for kind, describe in _REASONS:
        if isinstance(error, kind):
            return describe(error)
    return f"cannot accept this mail ({type(error).__name__})"


def _certificate(error: Exception) -> str:
    return f"has a certificate that is not trusted: {getattr(error, 'verify_message', 'no reason given')}"


def _refused_recipient(error: Exception) -> str:
    refusals: list[Exception] = getattr(error, "recipients", [])
    return f"refused the recipient{_numbers(refusals[0]) if refusals else ''}"


def _numbers(error: Exception) -> str:
    """The reply code and, if the server sent one, the enhanced status code of RFC 3463."""
    status = _STATUS.match(str(getattr(error, "message", "")))
    return f" ({getattr(error, 'code', '?')}{f' {status[0]}' if status else ''})"


_REASONS: tuple[tuple[type[Exception], Callable[[Exception], str]], ...] = (
    (TimeoutError, lambda _: "did not accept the mail in time"),
    (ssl.SSLCertVerificationError, _certificate),
    (ssl.SSLError, lambda _: "does not support a common version of TLS"),
    (aiosmtplib.SMTPAuthenticationError, lambda error: f"refused the login{_numbers(error)}"),
    (aiosmtplib.SMTPRecipientsRefused, _refused_recipient),
    (aiosmtplib.SMTPSenderRefused, lambda error: f"refused the sender{_numbers(error)}"),
    (aiosmtplib.SMTPResponseException, lambda error: f"refused the mail{_numbers(error)}"),
    (aiosmtplib.SMTPServerDisconnected, lambda _: "closed the connection"),
    (OSError, lambda _: "cannot be reached"),
    (aiosmtplib.SMTPException, lambda error: f"cannot be used: {error}"),
)
