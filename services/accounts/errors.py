"""Errors of accounts and sessions."""

from services.core.errors import CloudKeepError, ErrorCode, ExpectedError, RetryLater


class AccountDisabled(ExpectedError):
    """The password is right, and an administrator has disabled the account."""

    code = ErrorCode.ACCOUNT_DISABLED
    status = 403


class CookiesRefused(ExpectedError):
    """The response to this request cannot set cookies."""

    code = ErrorCode.COOKIES_REFUSED
    status = 403


class InvalidCredentials(ExpectedError):
    """A name or a secret is wrong. The error does not say which."""

    code = ErrorCode.INVALID_CREDENTIALS
    status = 401


class InvalidOtp(ExpectedError):
    """The one-time password is wrong, used or expired, or there were too many attempts."""

    code = ErrorCode.INVALID_OTP
    status = 400


class ServerBusy(RetryLater):
    """Too many requests with passwords, or for resets, wait. Nothing was changed, and the call can be repeated."""

    code = ErrorCode.SERVER_BUSY
    status = 503
    retry_after = 5.0


class TooManyAttempts(RetryLater):
    """There were too many wrong passwords or codes. This one was not verified. ``retry_after`` is in seconds."""

    code = ErrorCode.TOO_MANY_ATTEMPTS
    status = 429


class ReauthenticationRequired(ExpectedError):
    """The session has to show the password again, because the last sign-in was too long ago."""

    code = ErrorCode.REAUTHENTICATION_REQUIRED
    status = 403


class TooManyMails(RetryLater):
    """The address got as many mails as it may within an hour. ``retry_after`` is in seconds."""

    code = ErrorCode.TOO_MANY_MAILS
    status = 429


class TooManyApiTokens(ExpectedError):
    """The account has as many valid API tokens as it may have."""

    code = ErrorCode.TOO_MANY_API_TOKENS
    status = 409


class TooManyRegistrations(ExpectedError):
    """Too many registrations wait for their code, in total or of the client's network."""

    code = ErrorCode.TOO_MANY_REGISTRATIONS
    status = 429
    retry_after = 60.0


class RegistrationClosed(ExpectedError):
    """The server accepts no registrations."""

    code = ErrorCode.REGISTRATION_CLOSED
    status = 403


class InvitationRequired(ExpectedError):
    """The server only accepts registrations with an invitation."""

    code = ErrorCode.INVITATION_REQUIRED
    status = 403


class InvitationInvalid(ExpectedError):
    """The invitation does not exist, was used, has expired, or is for another address."""

    code = ErrorCode.INVITATION_INVALID
    status = 403


class Unauthenticated(CloudKeepError):
    """The request has no valid access token."""

    code = ErrorCode.UNAUTHENTICATED
    status = 401
