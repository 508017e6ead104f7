"""Runs a command of the drive as the account that is signed in."""

from collections.abc import Awaitable, Callable

import httpx

from cloudkeep.client.accounts.connection import connected
from cloudkeep.client.accounts.server import require_tokens
from cloudkeep.client.api.retry import Notify
from cloudkeep.client.api.session import Session
from cloudkeep.client.credentials.choice import choose_credentials
from cloudkeep.client.display.display import print_error
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.errors import ClientError, ItemFailed, TransferFailed

DONE, FAILED = 0, 1


def run_drive(url: str | None, work: Callable[[Drive], Awaitable[int]]) -> int:
    """Run the work with the drive, and return its exit code. Raises :class:`ClientError` when the whole run fails."""
    return run_transfer(url, lambda drive, _: work(drive))


def run_transfer(url: str | None, work: Callable[[Drive, httpx.AsyncClient], Awaitable[int]]) -> int:
    """As :func:`run_drive`, for work that also needs an HTTP client for signed URLs."""
    credentials = choose_credentials(url)
    with connected(credentials.url) as connection:
        session = Session(connection.graphql, require_tokens(connection, credentials))

        async def checked() -> int:
            await session.check()
            return await work(Drive(session, Notes()), connection.http)

        return connection.run(checked())


def note(text: str) -> None:
    """Print a message on standard error."""
    print_error(f"cloudkeep: {text}")


class Notes:
    """Prints messages about retries and waits, but no message twice in a row."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, text: str) -> None:
        """Print a message."""
        if text != self._last:
            self._last = text
            note(text)


class Outcome:
    """Whether everything was done, else ``failures``. One with an item is reported, and the others go on."""

    def __init__(self, report: Notify = note) -> None:
        self.code = DONE
        self.failures = 0
        self._report = report

    async def attempt(self, place: str, work: Awaitable[object]) -> None:
        """Await the work on one item, and report its failure."""
        try:
            await work
        except (ItemFailed, TransferFailed) as error:
            self.failed(error if isinstance(error, ItemFailed) else ItemFailed(place, error))

    def failed(self, error: ClientError) -> None:
        """Report a failure."""
        self.code = FAILED
        self.failures += 1
        self._report(str(error))
