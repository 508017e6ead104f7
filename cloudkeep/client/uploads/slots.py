"""The open slots of one upload, handed out one by one to whoever sends."""

import asyncio
from collections import deque

from cloudkeep.client.uploads.uploads import Slot, Uploads


class OpenSlots:
    """Asks for slots a page at a time, just before they are needed: a page's URLs hold only so long."""

    def __init__(self, uploads: Uploads, upload_id: str) -> None:
        self._uploads = uploads
        self._upload_id = upload_id
        self._waiting: deque[Slot] = deque()
        self._page: str | None = None
        self._next: str | None = None
        self._begun = False
        self._lock = asyncio.Lock()

    async def take(self) -> Slot | None:
        """The next open slot, or None when there is none left."""
        async with self._lock:
            while not self._waiting:
                if self._begun and self._next is None:
                    return None
                await self._turn_page()
            return self._waiting.popleft()

    async def renew(self, slot: Slot) -> Slot | None:
        """The slot with a URL that holds, or None when somebody else has filled it. Renews what waits as well."""
        async with self._lock:
            page = await self._uploads.open_slots(self._upload_id, slot.page)
            fresh = {one.index: one for one in page.slots}
            self._waiting = deque(fresh.get(one.index, one) for one in self._waiting)
            return fresh.get(slot.index)

    async def _turn_page(self) -> None:
        page = await self._uploads.open_slots(self._upload_id, self._next)
        self._begun, self._next = True, page.next
        self._waiting.extend(page.slots)
