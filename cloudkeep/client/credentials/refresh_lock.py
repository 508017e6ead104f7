"""Lets one process at a time replace the session of a server: by a refresh, a sign-in or a logout.

Without it, a refresh could store its tokens over those of a sign-in, or after a logout.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256

from cloudkeep.client.credentials.private_folder import PrivateFolder
from cloudkeep.client.errors import CredentialsError, RetryableError

POLL_SECONDS = 0.05
#: Seconds. Longer than the HTTP client waits for an answer, and the keyring for a person.
TIMEOUT = 90.0


@asynccontextmanager
async def refresh_lock(folder: PrivateFolder, url: str, timeout: float = TIMEOUT) -> AsyncIterator[None]:
    """Hold the lock of a server. The kernel releases it however the process ends.

    Raises :class:`RetryableError` if another process holds it for too long, and :class:`CredentialsError`.
    """
    with _opened(folder, url) as file:
        await _lock(file, timeout)
        yield


@contextmanager
def refresh_lock_outside_loop(folder: PrivateFolder, url: str, timeout: float = TIMEOUT) -> Iterator[None]:
    """:func:`refresh_lock` for a command while it runs no event loop. Raises :class:`CredentialsError` only."""
    with _opened(folder, url) as file:
        try:
            asyncio.run(_lock(file, timeout))
        except RetryableError as error:
            raise CredentialsError(str(error)) from error
        yield


@contextmanager
def _opened(folder: PrivateFolder, url: str) -> Iterator[int]:
    # A hash, because a URL is no file name. The lock is one for each server, because a refresh can take long.
    file = folder.open_lock(f"refresh-{sha256(url.encode()).hexdigest()[:16]}.lock")
    try:
        yield file
    finally:
        os.close(file)


async def _lock(file: int, timeout: float) -> None:
    # Polled, because a thread that waits for a lock cannot be cancelled.
    try:
        async with asyncio.timeout(timeout):
            while not _try_lock(file):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise RetryableError("another cloudkeep process is still refreshing the session") from error


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
