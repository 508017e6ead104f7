"""The templates of mails, and what sends mails, by the settings."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from cloudkeep.settings.preflight import StartupError, mail_folders
from cloudkeep.settings.settings import PREFIX, Settings
from services.core.counters import Counters
from services.mail.composer import MailComposer
from services.mail.errors import MailTemplateError
from services.mail.sender import MailSender
from services.mail.templates import MailTemplates, load_templates
from storage.jobs.job_notifications import JobNotifications
from storage.mail import open_mailer


def load_mail_templates(settings: Settings) -> MailTemplates:
    """Read, compile and render all templates. Raises :class:`StartupError`, which names the file and its line."""
    try:
        return load_templates(mail_folders(settings), settings.locale)
    except MailTemplateError as error:
        raise StartupError(f"{PREFIX}MAIL_TEMPLATES: {error}") from None


def mail_composer(settings: Settings, templates: MailTemplates) -> MailComposer:
    """What composes the mails of this server."""
    return MailComposer(templates, settings.public_url)


@asynccontextmanager
async def open_mail_sender(
    settings: Settings, templates: MailTemplates, counters: Counters, notifications: JobNotifications
) -> AsyncIterator[MailSender]:
    """What sends the mails of an API process. At the end, it stops before its connection to the mail server closes."""
    mailer = open_mailer(settings.mail_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(mailer.close)
        composer = mail_composer(settings, templates)
        mails = MailSender(mailer, composer, settings.secret_keys, counters, notifications)
        stack.push_async_callback(mails.close)
        yield mails
