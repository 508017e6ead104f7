"""Errors of a command or an attempt. A message is one line for a terminal, without tokens or signed URLs."""


class ClientError(Exception):
    """Ends the whole run."""

    exit_code = 2


class UsageError(ClientError):
    """The arguments or the environment cannot be used."""


class SourceError(ClientError):
    """A path names no file that can be uploaded."""


class ServerUnreachable(ClientError):
    """No CloudKeep server answers at the URL."""


class SignInError(ClientError):
    """Signing in failed, or the session has ended."""


class CredentialsError(ClientError):
    """The stored credentials cannot be read or written."""


class KeyringError(CredentialsError):
    """The credentials are in the system keyring, which does not work now."""


class Refused(ClientError):
    """The server refused a command."""


class TransferFailed(ClientError):
    """A file cannot be uploaded or downloaded, or an item not be changed. The work on others continues."""

    exit_code = 1


class ItemFailed(ClientError):
    """Nothing can be done with one item. The work on other items continues. ``place`` is its path or its ID."""

    exit_code = 1

    def __init__(self, place: str, reason: object) -> None:
        super().__init__(f"{printable(place)}: {reason}")


class SourceChanged(TransferFailed):
    """The file was changed during the upload."""


class RequestRefused(TransferFailed):
    """The server refused a request, and trying again does not help.

    ``code`` is the server's error code, and ``field`` the name of the input that it is about, if it is about one.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(printable(message).rstrip("."))
        self.code = code
        self.field = field


class RetryableError(Exception):
    """An attempt failed, and another one may succeed. ``retry_after``: the seconds that the server asks to wait."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(printable(reason).rstrip("."))
        self.retry_after = retry_after


class RateLimited(RetryableError):
    """The server limits the rate. The same request succeeds after ``retry_after`` seconds."""


def printable(text: str) -> str:
    """The text with escapes for control characters, because names and messages come from other people."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
