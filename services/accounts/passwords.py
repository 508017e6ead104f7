"""Password hashing by argon2id (RFC 9106), in threads of its own: one hash takes tens of milliseconds and 64 MiB."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from passlib.hash import argon2

T = TypeVar("T")

#: Simultaneous hashes. More would only wait for a processor and use memory.
THREADS = 2


class Passwords:
    """Hashes and verifies passwords."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._dummy_hash: str | None = None

    async def hash(self, password: str) -> str:
        """A new salted hash."""
        return str(await self._run(lambda: argon2.hash(password)))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is correct. A missing account takes as long as an existing one."""
        if password_hash is None:
            self._dummy_hash = self._dummy_hash or await self.hash("no account's password")
        reference = password_hash or self._dummy_hash
        matches = bool(await self._run(lambda: argon2.verify(password, reference)))
        return matches and password_hash is not None

    def close(self) -> None:
        """Release the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
