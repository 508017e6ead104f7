"""Errors of mails."""

from services.core.errors import ErrorCode, ExpectedError


class MailUnavailable(ExpectedError):
    """The mail could not be sent. Nothing was changed, and the call can be repeated."""

    code = ErrorCode.MAIL_UNAVAILABLE
    status = 503


class MailTemplateError(ValueError):
    """A template cannot be used. ``str(error)`` is one line that names the file and, where there is one, the line."""
