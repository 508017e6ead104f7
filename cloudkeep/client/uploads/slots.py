"""The missing slots of one upload, in the order in which they are sent."""

import asyncio
from collections import deque

from cloudkeep.client.uploads.uploads import Slot, Uploads


class MissingSlots:
    """Loads slots page by page just before they are needed, because their URLs expire."""

    def __init__(self, uploads: Uploads, upload_id: str) -> None:
        self._uploads = uploads
        self._upload_id = upload_id
        self._queue: deque[Slot] = deque()
        self._is_started = False
        self._next_page: str | None = None
        self._lock = asyncio.Lock()

    async def take(self) -> Slot | None:
        """The next slot, or None when there is none left."""
        async with self._lock:
            while not self._queue:
                if self._is_started and self._next_page is None:
                    return None
                await self._load_page()
            return self._queue.popleft()

    async def renew(self, slot: Slot) -> Slot | None:
        """The slot with a new URL, or None if it has been filled. Slots in the queue get new URLs as well."""
        async with self._lock:
            page = await self._uploads.missing_slots(self._upload_id, slot.page)
            renewed = {each.index: each for each in page.slots}
            self._queue = deque(renewed.get(queued.index, queued) for queued in self._queue)
            return renewed.get(slot.index)

    async def _load_page(self) -> None:
        page = await self._uploads.missing_slots(self._upload_id, self._next_page)
        self._is_started, self._next_page = True, page.next
        self._queue.extend(page.slots)
