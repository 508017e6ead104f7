"""A watcher of uploads, and its frames."""

import asyncio
from uuid import UUID

from services.uploads.progress.frame import ProgressFrame
from services.uploads.progress.progress import Progress
from storage.uploads.models import Upload, UploadStatus

RECEIVING, REASSEMBLING, COMPRESSING = UploadStatus.RECEIVING, UploadStatus.REASSEMBLING, UploadStatus.COMPRESSING
READY = UploadStatus.READY
#: The uploads of every query for states.
Reads = list[list[UUID]]


class Watcher:
    """Follows an upload as one subscriber does."""

    def __init__(self, progress: Progress, upload: Upload, after: str | None = None) -> None:
        self.frames: list[ProgressFrame] = []
        self._frames = progress.watch(upload.id, after)

    async def next(self) -> ProgressFrame:
        async with asyncio.timeout(30):
            self.frames.append(await anext(self._frames))
        return self.frames[-1]

    async def until(self, stage: UploadStatus) -> ProgressFrame:
        while (shown := await self.next()).stage is not stage:
            pass
        return shown

    async def rest(self) -> list[ProgressFrame]:
        """Every frame to the end."""
        async with asyncio.timeout(30):
            self.frames += [frame async for frame in self._frames]
        return self.frames

    async def leave(self) -> None:
        await self._frames.aclose()


async def set_status(upload: Upload, status: UploadStatus) -> None:
    await Upload.filter(id=upload.id).update(status=status)


def stages(frames: list[ProgressFrame]) -> list[UploadStatus]:
    """The stages in the order of the frames."""
    return [one.stage for number, one in enumerate(frames) if not number or frames[number - 1].stage is not one.stage]
