"""A mail, and the protocol of everything that sends one."""

import re
import secrets
from dataclasses import dataclass, field
from typing import Protocol

_ATOM = r'[^\s<>()\[\],;:\\"@.\x00-\x20\x7f-\x9f]+'
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*")
_ADDRESS_LIMIT = 254  # RFC 5321, section 4.5.3.1.3: a path of 256 octets less its angle brackets
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class MailError(Exception):
    """The mail was not sent. ``str(error)`` is for the operator's log and never contains credentials.

    ``is_permanent``: the server refused this mail for good (a 5xx reply of RFC 5321), so to repeat it is useless.
    """

    def __init__(self, message: str, *, is_permanent: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


class MailUrlError(ValueError):
    """A mail URL cannot be used. The message quotes nothing of the URL: any part of it may belong to a password."""


@dataclass(frozen=True)
class Mail:
    """A mail to one recipient: a text and, if there is one, the same in HTML.

    ``id`` is the left side of the Message-ID. A mail that is sent again keeps it, so that the recipient's server or
    program can recognise the copy.

    Raises ValueError when ``to`` is not one bare address, when a header could be injected through ``to``, ``subject``
    or ``id``, or when a field cannot be written as UTF-8. Lines of ``text`` are separated by a newline; one is added
    at the end if it is missing.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(16), compare=False)

    def __post_init__(self) -> None:
        if not is_address(self.to):
            raise ValueError("a mail needs exactly one bare address")
        if not _ID.fullmatch(self.id):
            raise ValueError("the ID of a mail must be 1 to 64 letters, digits or hyphens")
        if _CONTROL.search(self.subject) or _looks_encoded(self.subject):
            raise ValueError("a subject must not contain control characters or encoded words")
        f"{self.subject}{self.text}{self.html or ''}".encode()


class Mailer(Protocol):
    """Sends mails, one at a time. Safe to use from many tasks at once."""

    async def send(self, mail: Mail) -> None:
        """Return once the mail was accepted; raise MailError if it was not. The wait is bounded."""
        ...

    async def close(self) -> None:
        """Close open connections. May be called twice."""
        ...


def is_address(text: str) -> bool:
    """Whether the text is one bare mail address, safe in a header and in an SMTP command."""
    if _looks_encoded(text) or not _ADDRESS.fullmatch(text):
        return False
    try:
        return len(text.encode()) <= _ADDRESS_LIMIT
    except UnicodeEncodeError:
        return False


def _looks_encoded(text: str) -> bool:
    """Python before 3.11.10 decodes ``=?utf-8?q?=0A?=`` in a header and writes the newline out (CVE-2024-6923)."""
    return "=?" in text
