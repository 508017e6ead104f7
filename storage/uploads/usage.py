"""The storage that an account uses, and the check of its quota. All sizes are in bytes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise.expressions import Q
from tortoise.functions import Sum

from storage.accounts.models import Account
from storage.database.connection import fetch
from storage.errors import OverQuota
from storage.uploads.models import AWAITS_RETRY, BYTES_DELETED, OPEN, Upload

#: Uploads whose whole size counts: those that are open, and failed ones whose bytes are kept for a retry.
RESERVING = Q(status__in=OPEN) | AWAITS_RETRY
HOLDINGS = """
SELECT COUNT(*), COALESCE(SUM(CASE status WHEN 'RECEIVING' THEN size - received_bytes + known_bytes END), 0)
FROM upload
WHERE account_id = ? AND status IN ('RECEIVING', 'REASSEMBLING', 'FAILED')
    AND (status <> 'FAILED' OR error_code <> ?)"""


@dataclass(frozen=True)
class Space:
    """An account's storage.

    Bytes that several of its files share count once; ``quota`` None is no limit. ``originals`` are uploaded files,
    ``derived`` are files made from them, ``reserved`` are the bytes of open uploads and of failed ones that can be
    retried.
    """

    quota: int | None
    originals: int
    derived: int
    reserved: int

    @property
    def used(self) -> int:
        """The stored bytes."""
        return self.originals + self.derived

    def fits(self, size: int) -> bool:
        """Whether ``size`` more bytes are within the quota."""
        return self.quota is None or self.used + self.reserved + size <= self.quota


async def measure(account_id: UUID, quota: int | None) -> Space:
    """The current storage of the account."""
    # In this order: an upload that becomes a file in between is counted twice, never missed.
    reserved = await _total(Upload.filter(RESERVING, account_id=account_id))
    account = await Account.get(id=account_id)
    return Space(quota, account.original_bytes, account.derived_bytes, reserved)


@dataclass(frozen=True)
class Holdings:
    """What the uploads of an account hold: their number, and the bytes that they have reserved and not received."""

    uploads: int
    unsent: int


async def holdings(account_id: UUID) -> Holdings:
    """What the account's open uploads hold, and its failed ones that can be retried."""
    ((uploads, unsent),) = await fetch(HOLDINGS, account_id, BYTES_DELETED)
    return Holdings(uploads, int(unsent))


class QuotaCheck:
    """Checks whether more bytes fit into the quota of an account. Valid while the account's row is locked."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._admitted = 0

    def refusal(self, size: int) -> OverQuota | None:
        """None if ``size`` more bytes fit, beside those that were admitted before: then these are admitted as well."""
        if self._space.fits(self._admitted + size):
            self._admitted += size
            return None
        taken = self._space.used + self._space.reserved + self._admitted
        return OverQuota(f"{taken} of {self._space.quota} bytes are used or reserved")


async def _total(rows: Any) -> int:
    ((total,),) = await rows.annotate(total=Sum("size")).values_list("total")
    return int(total or 0)
