"""Errors of accounts and sessions."""

from services.core.errors import CloudKeepError, ErrorCode, ExpectedError


class InvalidCredentials(ExpectedError):
    """User ID or password is wrong; which of them is not said."""

    code = ErrorCode.INVALID_CREDENTIALS
    status = 401


class InvalidOtp(ExpectedError):
    """The one-time password is wrong, used, expired or was guessed at too often."""

    code = ErrorCode.INVALID_OTP
    status = 400


class MailUnavailable(ExpectedError):
    """The mail could not be handed over; nothing was changed and the call may be repeated."""

    code = ErrorCode.MAIL_UNAVAILABLE
    status = 503


class Unauthenticated(CloudKeepError):
    """No valid access token came with the request."""

    code = ErrorCode.UNAUTHENTICATED
    status = 401
