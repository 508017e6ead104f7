"""Password hashing by argon2id (RFC 9106), in threads of its own: one hash takes tens of milliseconds and 64 MiB."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from passlib.hash import argon2

from services.accounts.errors import ServerBusy
from services.accounts.passwords.hash_queue import HashQueue
from storage.accounts.models import Account
from storage.accounts.passwords import replace_password_hash

T = TypeVar("T")

#: Simultaneous hashes. More would only wait for a processor and use memory.
THREADS = 2
#: The passwords that may wait. Two cores hash six to ten in a second, so the last one waits for about ten seconds.
WAITING = 64


class Passwords:
    """Hashes and verifies passwords. ``client`` is the address of the client, or its :func:`known_client`.

    Every method that hashes raises :class:`ServerBusy` when too many passwords wait.
    """

    def __init__(self, waiting: int = WAITING) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._queue = HashQueue(THREADS, waiting)
        self._dummy_hash = self.unusable_hash()

    @staticmethod
    def unusable_hash() -> str:
        """A hash that no password has. To verify it takes as long as for any other with the present parameters."""
        hashed = argon2(use_defaults=True)
        hashed.checksum = secrets.token_bytes(argon2.checksum_size)
        return str(hashed.to_string())

    async def hash(self, password: str, client: str = "") -> str:
        """A new salted hash."""
        return str(await self._run(partial(argon2.hash, password), client))

    async def verify(self, password: str, password_hash: str | None, client: str = "") -> bool:
        """Whether the password is correct. A missing account takes as long as an existing one."""
        reference = password_hash or self._dummy_hash
        matches = bool(await self._run(partial(argon2.verify, password, reference), client))
        return matches and password_hash is not None

    async def check(self, account: Account | None, password: str, client: str = "") -> bool:
        """Whether this is the password of the account.

        A hash with older parameters is replaced, unless too many passwords wait.
        """
        old = account.password_hash if account else None
        if not await self.verify(password, old, client) or account is None or old is None:
            return False
        if argon2.needs_update(old):
            with suppress(ServerBusy):
                # Only if it is still the same one, because the password may have been changed meanwhile.
                await replace_password_hash(account.id, old, await self.hash(password, client))
        return True

    def close(self) -> None:
        """Release the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T], client: str) -> T:
        await self._queue.enter(client)
        try:
            job = asyncio.wrap_future(self._pool.submit(work))
        except BaseException:
            self._queue.leave()
            raise
        # A thread cannot be cancelled, so a cancelled request keeps its place until its hash is ready.
        job.add_done_callback(lambda _: self._queue.leave())
        return await asyncio.shield(job)
