"""Mails with the built-in templates, without the settings of a server."""

from services.core.counters import Counters
from services.core.keys import SecretKey
from services.mail.composer import MailComposer
from services.mail.sender import MailSender
from services.mail.template_folders import TemplateFolders
from services.mail.templates import load_templates
from storage.mail import Mailer
from workers.mail.outgoing import OutgoingMails

SERVER = "https://drive.example.org"
KEY = SecretKey("test", b"a secret that is long enough to be one")


def composer() -> MailComposer:
    """Composes mails of a server in English."""
    return MailComposer(load_templates(TemplateFolders()), SERVER)


def mail_sender(mailer: Mailer, counters: Counters | None = None) -> MailSender:
    """Sends mails through this mailer."""
    return MailSender(mailer, composer(), [KEY], counters)


def outgoing_mails(mailer: Mailer, *keys: SecretKey) -> OutgoingMails:
    """What a worker needs to send mails through this mailer."""
    return OutgoingMails(mailer, composer(), keys or (KEY,))
