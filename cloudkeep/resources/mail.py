"""The templates of mails, and what sends mails, by the settings."""

from pathlib import Path

from cloudkeep.settings.preflight import StartupError
from cloudkeep.settings.settings import PREFIX, Settings
from services.mail.composer import MailComposer
from services.mail.errors import MailTemplateError
from services.mail.templates import MailTemplates, TemplateFolders, has_own_templates, load_templates


def load_mail_templates(settings: Settings) -> MailTemplates:
    """Read, compile and render all templates. Raises :class:`StartupError`, which names the file and its line."""
    try:
        return load_templates(_folders(settings), settings.locale)
    except MailTemplateError as error:
        raise StartupError(f"{PREFIX}MAIL_TEMPLATES: {error}") from None


def check_mail_templates(settings: Settings) -> None:
    """The same before any process starts, so that the error is printed once. Built-in templates are not checked."""
    if has_own_templates(_folders(settings)):
        load_mail_templates(settings)


def mail_composer(settings: Settings, templates: MailTemplates) -> MailComposer:
    """What composes the mails of this server."""
    return MailComposer(templates, settings.public_url)


def _folders(settings: Settings) -> TemplateFolders:
    return TemplateFolders(settings.mail_templates, Path.cwd())
