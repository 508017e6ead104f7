"""Bounds on what one account may reserve, so that no account can keep the others from uploading.

The quota bounds what an account stores. This module bounds the number of its open uploads, and the bytes that they have
reserved but not received: at most a share of the disk's free space. The server reserves the bytes of an upload when it
begins, so without such a bound one request could take the whole disk.
"""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

from services.core.errors import ExpectedError
from services.uploads.errors import ReservationTooLarge, TooManyUploads
from services.uploads.init.new_upload import UploadPolicy
from storage.accounts.turns import Turns
from storage.blobs import BlobStore
from storage.uploads import usage
from storage.uploads.models import Upload
from storage.uploads.new_uploads import Admission


class Reservations:
    """Decides whether an account may begin more uploads."""

    def __init__(self, store: BlobStore, policy: UploadPolicy) -> None:
        self._store = store
        self._policy = policy
        self._turns = Turns()

    def one_at_a_time(self, account_id: UUID) -> AbstractAsyncContextManager[None]:
        """Let this process begin the uploads of one request of the account at a time.

        Otherwise many at once could take the disk for a moment, until the transaction refuses them.
        """
        return self._turns.of(account_id)

    async def admission(self, account_id: UUID, staged: int = 0) -> Admission:
        """Decides about uploads of the account. Final only while the account's row is locked.

        ``staged`` are the bytes of these uploads that are reserved already. The refusals are :class:`TooManyUploads`
        and :class:`ReservationTooLarge`.
        """
        # In this order: an upload that ends in between still counts as taken from the disk.
        free = await self._store.free_space()
        holdings = await usage.holdings(account_id)
        allowed = None if free is None else self._share_of(free + holdings.unsent + staged)
        uploads, unsent = holdings.uploads, holdings.unsent

        def admit(upload: Upload) -> ExpectedError | None:
            nonlocal uploads, unsent
            if uploads >= self._policy.open_uploads:
                return TooManyUploads(f"You have {uploads} open uploads. Finish or abort some of them first.")
            if allowed is not None and unsent + upload.size > allowed:
                return _too_large(unsent, allowed)
            uploads, unsent = uploads + 1, unsent + upload.size
            return None

        return admit

    def _share_of(self, free: int) -> int:
        return free * self._policy.reservation_percent // 100


def _too_large(unsent: int, allowed: int) -> ReservationTooLarge:
    message = f"The server has too little free space: your uploads can reserve at most {allowed} bytes."
    if unsent:
        message += f" They have reserved {unsent} bytes that have not arrived: finish or abort some uploads first."
    error = ReservationTooLarge(message, field="size")
    if not unsent:
        error.retry_after = None
    return error
