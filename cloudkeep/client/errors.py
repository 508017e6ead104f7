"""Errors that end an upload or an attempt. A message is one line for a terminal, without tokens or signed URLs."""


class ClientError(Exception):
    """Ends the whole run."""

    exit_code = 2


class UsageError(ClientError):
    """The arguments or the environment make no sense."""


class SourceError(ClientError):
    """There is nothing at a path that could be uploaded."""


class ServerUnreachable(ClientError):
    """No CloudKeep server answers at the URL."""


class SignInError(ClientError):
    """Signing in failed, or the session has ended."""


class UploadFailed(ClientError):
    """One file cannot be uploaded; others can."""

    exit_code = 1


class SourceChanged(UploadFailed):
    """The file is no longer what it was when the upload began."""


class RequestRefused(UploadFailed):
    """The server refuses a request and will refuse it again. ``code`` is its code for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(printable(message).rstrip("."))
        self.code = code


class RetryableError(Exception):
    """An attempt failed for a reason that may pass. ``retry_after`` are the seconds that the server asks to wait."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(printable(reason).rstrip("."))
        self.retry_after = retry_after


class RateLimited(RetryableError):
    """Too many requests or bytes: they are welcome ``retry_after`` seconds later, and nothing is wrong."""


def printable(text: str) -> str:
    """The text with escapes for all that could control a terminal: names and messages come from other people."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
