"""A watcher of an account, and what it got."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from services.activity.activity import Activity
from services.activity.watcher import ActivityFrame
from services.core.clock import now
from services.uploads.progress.frame import ProgressFrame
from storage.events.models import Event
from storage.uploads.models import Upload, UploadStatus
from tests.support.waiting import PATIENCE_SECONDS


class Watching:
    """Follows an account as one subscriber does."""

    def __init__(self, activity: Activity, account_id: UUID, after: str | None = None) -> None:
        self.frames: list[ActivityFrame] = []
        self._ready = activity.watch(account_id, after)

    async def next(self) -> ActivityFrame:
        async with asyncio.timeout(PATIENCE_SECONDS):
            self.frames.append((await anext(self._ready)).take())
        return self.frames[-1]

    async def until(self, is_last: Callable[[], bool]) -> ActivityFrame:
        """Take frames until this is true. Returns the last one."""
        while not is_last():
            await self.next()
        return self.frames[-1]

    async def complete(self) -> str:
        """Take frames up to the first heartbeat. Returns the cursor."""
        return (await self.until(lambda: bool(self.frames) and self.frames[-1].subject is None)).cursor

    async def until_changed(self, items: list[UUID]) -> None:
        """Take frames until as many changes have come; they must be those of these items, in order."""
        await self.until(lambda: len(self.changed) >= len(items))
        assert self.changed == items

    async def until_stage(self, upload: Upload, stage: UploadStatus) -> ProgressFrame:
        """Take frames until an upload has this stage."""
        await self.until(lambda: any(frame.stage is stage for frame in self.progress_of(upload)))
        return self.progress_of(upload)[-1]

    @property
    def changed(self) -> list[UUID]:
        """The items of the changes, in order."""
        return [frame.subject.item_id for frame in self.frames if isinstance(frame.subject, Event)]

    def progress_of(self, upload: Upload) -> list[ProgressFrame]:
        """The frames of an upload."""
        frames = [frame.subject for frame in self.frames if isinstance(frame.subject, ProgressFrame)]
        return [frame for frame in frames if frame.upload_id == upload.id]

    async def leave(self) -> None:
        await self._ready.aclose()


async def new_upload(account_id: UUID, **more: Any) -> Upload:
    """The row of an open upload of 100 bytes."""
    given: dict[str, Any] = {
        "file_name": "file",
        "mime_type": "text/plain",
        "size": 100,
        "chunk_size": 10,
        "expires_at": now(),
    }
    return await Upload.create(id=uuid4(), account_id=account_id, **{**given, **more})


async def set_status(upload: Upload, status: UploadStatus) -> None:
    await Upload.filter(id=upload.id).update(status=status)
