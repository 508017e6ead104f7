"""What ends an upload. Every message is one line for the person at the terminal, without tokens or signed URLs."""


class ClientError(Exception):
    """Ends the whole run."""

    exit_code = 2


class UsageError(ClientError):
    """What was asked for makes no sense."""


class SourceError(ClientError):
    """There is nothing at a path that could be uploaded."""


class Unreachable(ClientError):
    """No CloudKeep answers at the URL."""


class SignInError(ClientError):
    """Nobody is signed in, or no longer."""


class UploadFailed(ClientError):
    """One file cannot be uploaded; others can."""

    exit_code = 1


class SourceChanged(UploadFailed):
    """The file is no longer what it was when the upload began."""


class Refused(UploadFailed):
    """The server said no, and will say so again. ``code`` is its code for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(printable(message).rstrip("."))
        self.code = code


class TryAgain(Exception):
    """An attempt failed for a reason that may pass. ``after``: the seconds that the server asks to wait, if it does."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(printable(reason).rstrip("."))
        self.after = after


class Throttled(TryAgain):
    """The server wants less at a time, and said when to go on: ``after`` so many seconds. Nothing is wrong."""


def printable(text: str) -> str:
    """The text with everything escaped that a terminal would not simply show: names and messages come from others."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
