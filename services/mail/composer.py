"""Composes mails of contents, in the language of their recipients."""

from dataclasses import fields
from uuid import UUID, uuid4

from services.core.keys import SecretKey
from services.mail.kinds import MailContent
from services.mail.templates import MailTemplates
from services.mail.tokens import DERIVATIONS
from storage.mail import Mail


class MailComposer:
    """Fills templates. ``server`` is the public URL, which every template may use."""

    def __init__(self, templates: MailTemplates, server: str) -> None:
        self._templates = templates
        self._server = server

    def compose(
        self,
        content: MailContent,
        to: str,
        locale: str | None = None,
        *,
        mail_id: UUID | None = None,
        key: SecretKey | None = None,
    ) -> Mail:
        """The mail for this address. ``locale`` is a tag of BCP 47; None is the server's default.

        ``mail_id`` becomes its Message-ID. A content with derived variables needs the ``key``. Raises ValueError if
        ``to`` is no address.
        """
        values = {field.name: _value(getattr(content, field.name)) for field in fields(content)}
        if content.derived:
            assert key, f"{content.kind} is sent by the outbox, which has the secret keys"
            values |= DERIVATIONS[content.kind](key, content)
        rendered = self._templates.find(content.kind, locale).render({**values, "server": self._server})
        return Mail(to, rendered.subject, rendered.text, rendered.html, str(mail_id or uuid4()))


def _value(value: object) -> str | int:
    return value if isinstance(value, int) else str(value)
