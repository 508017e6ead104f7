"""Bounds on what one account may reserve, so that no account can keep the others from uploading.

The quota bounds what an account stores. This module bounds the number of its open uploads, and the bytes that they have
reserved but not received: at most a share of the disk's free space. The server reserves the bytes of an upload when it
begins, so without such a bound one request could take the whole disk.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from services.uploads.errors import ReservationTooLarge, TooManyUploads
from services.uploads.new_upload import UploadPolicy
from storage.blobs import BlobStore
from storage.uploads import usage
from storage.uploads.models import Upload


class Reservations:
    """Decides whether an account may begin one more upload."""

    def __init__(self, store: BlobStore, policy: UploadPolicy) -> None:
        self._store = store
        self._policy = policy
        self._locks = WeakValueDictionary[UUID, asyncio.Lock]()

    @asynccontextmanager
    async def one_at_a_time(self, account_id: UUID) -> AsyncIterator[None]:
        """Let this process begin one upload of the account at a time.

        Otherwise many at once could take the disk for a moment, until :meth:`require` refuses them in the transaction.
        """
        async with self._locks.setdefault(account_id, asyncio.Lock()):
            yield

    async def require(self, upload: Upload, *, is_staged: bool) -> None:
        """Raise unless the account may begin this upload. Final only while the account's row is locked.

        ``is_staged`` says whether its bytes are reserved already. Raises :class:`TooManyUploads` and
        :class:`ReservationTooLarge`.
        """
        # In this order: an upload that ends in between still counts as taken from the disk.
        free = await self._store.free_space()
        holdings = await usage.holdings(upload.account_id)
        if holdings.uploads >= self._policy.open_uploads:
            raise TooManyUploads(f"You have {holdings.uploads} open uploads. Finish or abort some of them first.")
        if free is not None:
            without_account = free + holdings.unsent + (upload.size if is_staged else 0)
            _require_share(upload.size, holdings.unsent, without_account * self._policy.reservation_percent // 100)


def _require_share(size: int, unsent: int, allowed: int) -> None:
    if unsent + size <= allowed:
        return
    message = f"The server has too little free space: your uploads can reserve at most {allowed} bytes."
    if unsent:
        message += f" They have reserved {unsent} bytes that have not arrived: finish or abort some uploads first."
    error = ReservationTooLarge(message, field="size")
    if not unsent:
        error.retry_after = None
    raise error
