"""The templates of mails, and what sends mails, by the settings."""

from cloudkeep.settings.preflight import StartupError, mail_folders
from cloudkeep.settings.settings import PREFIX, Settings
from services.mail.composer import MailComposer
from services.mail.errors import MailTemplateError
from services.mail.templates import MailTemplates, load_templates


def load_mail_templates(settings: Settings) -> MailTemplates:
    """Read, compile and render all templates. Raises :class:`StartupError`, which names the file and its line."""
    try:
        return load_templates(mail_folders(settings), settings.locale)
    except MailTemplateError as error:
        raise StartupError(f"{PREFIX}MAIL_TEMPLATES: {error}") from None


def mail_composer(settings: Settings, templates: MailTemplates) -> MailComposer:
    """What composes the mails of this server."""
    return MailComposer(templates, settings.public_url)
