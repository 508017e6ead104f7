"""The way of one file: read, begin or find its upload, send what is missing, follow it to its end."""

from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cloudkeep.client.api.retry import RetryPolicy
from cloudkeep.client.api.session import Session
from cloudkeep.client.display.progress import READING, SENDING, Meter, Track
from cloudkeep.client.errors import UploadFailed
from cloudkeep.client.uploads.progress_stream import Follower
from cloudkeep.client.uploads.reports import Reports
from cloudkeep.client.uploads.sender import Sender
from cloudkeep.client.uploads.slots import OpenSlots
from cloudkeep.client.uploads.source import Source
from cloudkeep.client.uploads.uploads import FINAL, READY, RECEIVING, Uploads, UploadState, new_upload
from services.media.media import Compression
from services.uploads.sizes import default_chunk_size

#: A server that finds chunks damaged this often has a broken disk.
ROUNDS = 5


@dataclass(frozen=True)
class UploadContext:
    """What every file's way needs. ``parallel`` is the number of slots that are sent at once.

    ``direct`` asks for slots in the server's own store, which it may have none of.
    """

    http: httpx.AsyncClient
    session: Session
    compress: Compression | None = None
    parallel: int = 4
    patience: RetryPolicy = field(default_factory=RetryPolicy)
    direct: bool = False


class FileUpload:
    """One file on its way."""

    def __init__(self, means: UploadContext, source: Source, track: Track) -> None:
        self._means = means
        self._source = source
        self._track = track
        self._uploads = Uploads(means.session, means.patience, track.note)

    async def begin(self) -> UploadState:
        """Read the file and send what the server does not have yet. Raises :class:`UploadFailed`."""
        size = self._source.size
        digests = await self._source.digests(default_chunk_size(size), Meter(self._track, READING, size).at)
        new = new_upload(self._source.name, size, digests, self._means.compress, direct=self._means.direct)
        state = await self._uploads.begin(new)
        if state.status == RECEIVING and state.received_bytes:
            self._track.note(f"the server has {state.received_bytes / size:.0%} of it already")
        return await self._send(state)

    async def finish(self, state: UploadState) -> UploadState:
        """Follow the upload to its end, and send again what turns out damaged. Raises :class:`UploadFailed`."""
        for _ in range(ROUNDS):
            if state.status not in FINAL | {RECEIVING}:
                await Follower(self._means.session, state.id, self._track, self._means.patience).follow()
                state = await self._uploads.look(state.id)
            if state.status in FINAL:
                return _successful(state)
            self._track.note("some chunks were damaged on the server; sending them again")
            state = await self._send(state)
        raise UploadFailed("the server keeps losing chunks; its disk may be broken")

    async def _send(self, state: UploadState) -> UploadState:
        if state.status != RECEIVING:
            return state
        meter = Meter(self._track, SENDING, state.size)
        slots = OpenSlots(self._uploads, state.id)
        reports = Reports(self._uploads, state.id) if state.direct else None
        sender = Sender(self._means.http, slots, self._source, self._means.patience, self._track.note, reports)
        meter.at(state.received_bytes)
        await sender.send(state.received_bytes, meter, self._means.parallel)
        return await self._uploads.complete(state.id)


def _successful(state: UploadState) -> UploadState:
    if state.status == READY and state.file_id:
        return state
    reason = f": {state.error}" if state.error else ""
    raise UploadFailed(f"the upload is {state.status}{reason}")


def inspect(path: Path) -> None:
    """Raises :class:`SourceError` unless there is something to upload."""
    Source(path).close()
