"""Lets one process at a time refresh the session of a server."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

from cloudkeep.client.credentials.private_folder import PrivateFolder
from cloudkeep.client.errors import RetryableError

POLL_SECONDS = 0.05
#: Seconds. Longer than the HTTP client waits for an answer, and the keyring for a person.
TIMEOUT = 90.0


@asynccontextmanager
async def refresh_lock(folder: PrivateFolder, url: str, timeout: float = TIMEOUT) -> AsyncIterator[None]:
    """Hold the lock of a server. The kernel releases it however the process ends.

    Raises :class:`RetryableError` if another process holds it for too long, and :class:`CredentialsError`.
    """
    # A hash, because a URL is no file name. The lock is one for each server, because a refresh can take long.
    file = folder.open_lock(f"refresh-{sha256(url.encode()).hexdigest()[:16]}.lock")
    try:
        await _lock(file, timeout)
        yield
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
