"""Errors of accounts and sessions."""

from services.core.errors import CloudKeepError, ErrorCode, ExpectedError, RetryLater


class InvalidCredentials(ExpectedError):
    """User ID or password is wrong. The error does not say which."""

    code = ErrorCode.INVALID_CREDENTIALS
    status = 401


class InvalidOtp(ExpectedError):
    """The one-time password is wrong, used or expired, or there were too many attempts."""

    code = ErrorCode.INVALID_OTP
    status = 400


class MailUnavailable(ExpectedError):
    """The mail could not be sent. Nothing was changed, and the call can be repeated."""

    code = ErrorCode.MAIL_UNAVAILABLE
    status = 503


class ServerBusy(RetryLater):
    """Too many passwords wait to be hashed. Nothing was changed, and the call can be repeated."""

    code = ErrorCode.SERVER_BUSY
    status = 503
    retry_after = 5.0


class TooManyRegistrations(ExpectedError):
    """Too many registrations wait for their code, in total or of the client's network."""

    code = ErrorCode.TOO_MANY_REGISTRATIONS
    status = 429
    retry_after = 60.0


class Unauthenticated(CloudKeepError):
    """The request has no valid access token."""

    code = ErrorCode.UNAUTHENTICATED
    status = 401
