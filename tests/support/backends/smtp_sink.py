"""A real SMTP server on 127.0.0.1 that stores received mails."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.backends.certificates import Certificates


class SinkTls(StrEnum):
    """How a sink protects its connections."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


class Stage(StrEnum):
    """The stages of a mail at which a sink can fail: at the command, or once the content has arrived."""

    CONNECT = "connect"
    EHLO = "EHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"
    #: The mail is stored, but its sender is not told.
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class Received:
    """A received mail. ``user`` is the login, ``encrypted`` whether TLS was used."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    user: str | None
    encrypted: bool

    @property
    def text(self) -> str:
        """The decoded text, its lines separated by a newline."""
        return self._part("plain") or ""

    @property
    def html(self) -> str | None:
        """The decoded HTML, if the mail has some."""
        return self._part("html")

    def _part(self, subtype: Literal["plain", "html"]) -> str | None:
        part = self.message.get_body((subtype,))
        return str(part.get_content()).replace("\r\n", "\n") if part else None


@dataclass
class SmtpSink:
    """A running sink. ``in_clear`` has every byte that arrived without TLS, ``open`` the connections.

    ``replies``: refusals, each for one command or content. ``drop_at``: the stage at which connections are closed.
    ``delay``: seconds before every reply to MAIL, RCPT and the content.
    """

    port: int = 0
    mails: list[Received] = field(default_factory=list)
    in_clear: bytearray = field(default_factory=bytearray)
    open: int = 0
    most_open: int = 0
    replies: dict[Stage, list[str]] = field(default_factory=dict)
    drop_at: Stage | None = None
    delay: float = 0.0

    def reply(self, stage: Stage) -> str | None:
        """The next refusal at this stage, if there is one."""
        return self.replies[stage].pop(0) if self.replies.get(stage) else None


@asynccontextmanager
async def smtp_sink(
    *,
    tls: SinkTls = SinkTls.NONE,
    certificates: Certificates | None = None,
    login: tuple[str, str] | None = None,
    refuse_recipients: bool = False,
    ignore_quit: bool = False,
    port: int = 0,
) -> AsyncIterator[SmtpSink]:
    """Run a sink on this port, or a free one. With ``login`` it accepts no mail before a login."""
    sink = SmtpSink()
    handler = _Handler(sink, refuse_recipients=refuse_recipients, ignore_quit=ignore_quit)
    context = certificates.server if certificates else None
    loop = asyncio.get_running_loop()

    def connect() -> SMTP:
        with warnings.catch_warnings():
            # aiosmtpd does not see that a connection with implicit TLS is encrypted, and warns of a login on it.
            warnings.filterwarnings("ignore", "Requiring AUTH", UserWarning)
            return _RecordingSmtp(
                sink,
                handler,
                loop=loop,
                hostname="sink.test",
                enable_SMTPUTF8=True,
                tls_context=context if tls is SinkTls.STARTTLS else None,
                auth_required=login is not None,
                auth_require_tls=tls is not SinkTls.IMPLICIT,
                authenticator=_Authenticator(login),
            )

    ssl_context = context if tls is SinkTls.IMPLICIT else None
    server = await loop.create_server(connect, "127.0.0.1", port, ssl=ssl_context)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()


class _RecordingSmtp(SMTP):
    def __init__(self, sink: SmtpSink, handler: "_Handler", **options: Any) -> None:
        super().__init__(handler, **options)
        self._sink = sink
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._sink.drop_at is Stage.CONNECT:
            _drop(self)
        # STARTTLS reports the connection a second time.
        if not self._counted:
            self._counted = True
            self._sink.open += 1
            self._sink.most_open = max(self._sink.most_open, self._sink.open)

    def connection_lost(self, error: Exception | None) -> None:
        self._sink.open -= 1
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:
        if self._sink.drop_at is Stage.DATA:
            _drop(self)
        elif reply := self._sink.reply(Stage.DATA):
            await self.push(reply)
        else:
            await super().smtp_DATA(arg)

    def data_received(self, data: bytes) -> None:
        if not _is_encrypted(self):
            self._sink.in_clear += data
        super().data_received(data)


class _Handler:
    def __init__(self, sink: SmtpSink, *, refuse_recipients: bool, ignore_quit: bool) -> None:
        self._sink = sink
        self._refuse_recipients = refuse_recipients
        self._ignore_quit = ignore_quit

    async def handle_EHLO(
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if self._sink.drop_at is Stage.EHLO:
            _drop(server)
        return responses

    async def handle_MAIL(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = await self._refusal(server, Stage.MAIL)
        if not refusal:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def _refusal(self, server: SMTP, stage: Stage) -> str | None:
        """Wait, drop the connection if it is to be dropped, and return the refusal of this stage."""
        await asyncio.sleep(self._sink.delay)
        if self._sink.drop_at is stage:
            _drop(server)
            return "421 dropped"
        return self._sink.reply(stage)

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self._refuse_recipients:
            return f"550 5.1.1 {address} is unknown here"
        if refusal := await self._refusal(server, Stage.RCPT):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if refusal := await self._refusal(server, Stage.CONTENT):
            return refusal
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        login: object = session.auth_data
        user = login.login.decode() if isinstance(login, LoginPassword) else None
        self._sink.mails.append(
            Received(envelope.mail_from or "", list(envelope.rcpt_tos), message, user, _is_encrypted(server))
        )
        if self._sink.drop_at is Stage.ACCEPTED:
            _drop(server)
        return "250 kept"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:
        if self._ignore_quit:
            await asyncio.Event().wait()
        return "221 bye"


class _Authenticator:
    """Checks a password and, like some servers, repeats a wrong one in the refusal."""

    def __init__(self, login: tuple[str, str] | None) -> None:
        self._login = login

    def __call__(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        if given == self._login:
            return AuthResult(success=True, auth_data=data)
        refusal = f"535 5.7.8 no user {given[0]} with password {given[1]}"
        return AuthResult(success=False, handled=False, message=refusal)


def _drop(server: SMTP) -> None:
    transport: Any = server.transport
    transport.abort()


def _is_encrypted(server: SMTP) -> bool:
    return server.transport is not None and server.transport.get_extra_info("sslcontext") is not None
