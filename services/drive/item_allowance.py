"""How many items an account may have. Bytes have a quota, but folders, empty files and copies take none of it."""

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from services.drive.errors import TooManyItems
from storage.drive.items import count_rows
from storage.events.events import newest_numbers

#: Accounts whose counts are in memory.
MAX_ACCOUNTS = 10_000
#: Seconds until an account that may not add more is counted again: a job may have deleted some of its items.
COUNT_AGAIN = 10.0


@dataclass(frozen=True)
class _Counted:
    """The items of an account when its newest change had this number."""

    items: int
    change: int
    at: float


class ItemAllowance:
    """Decides whether an account may add items, before a change begins. ``most`` is None for no limit.

    Folders and files count, also in the trash and while they are being deleted, or else versions, if these are more.
    Changes at the same moment may exceed the limit a little; so may one that adds many.

    Each new item and version is a change with a number of its own. So an account is only counted if it has had more
    changes since the last count than it may still add: most accounts never.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._counted: OrderedDict[UUID, _Counted] = OrderedDict()

    async def require(self, account_id: UUID, new: int = 1, field: str | None = None) -> None:
        """Raise :class:`TooManyItems` if the account may not have so many more items. ``field`` is the input."""
        if self._most is None:
            return
        change = (await newest_numbers([account_id])).get(account_id, 0)
        counted = self._counted.get(account_id) or _Counted(0, 0, monotonic())
        if counted.items + change - counted.change + new <= self._most:
            return
        if change != counted.change or monotonic() - counted.at > COUNT_AGAIN:
            counted = await self._count(account_id, change)
        if counted.items + new > self._most:
            raise TooManyItems(f"You have {self._most:,} items, and cannot have more. Delete some first.", field=field)

    async def _count(self, account_id: UUID, change: int) -> _Counted:
        counted = _Counted(await count_rows(account_id), change, monotonic())
        self._counted[account_id] = counted
        self._counted.move_to_end(account_id)
        if len(self._counted) > MAX_ACCOUNTS:
            self._counted.popitem(last=False)
        return counted
