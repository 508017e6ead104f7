"""The upload of one file: hash it, start or find the upload, send the missing chunks, follow the progress."""

import hashlib
from dataclasses import dataclass, field

import httpx

from cloudkeep.client.api.retry import RetryPolicy
from cloudkeep.client.api.session import Session
from cloudkeep.client.display.progress import READING, SENDING, ByteCounter, Track
from cloudkeep.client.errors import TransferFailed
from cloudkeep.client.uploads.chunk_reports import ChunkReports
from cloudkeep.client.uploads.destination import Destination
from cloudkeep.client.uploads.progress_stream import ProgressStream
from cloudkeep.client.uploads.sender import Sender
from cloudkeep.client.uploads.slots import MissingSlots
from cloudkeep.client.uploads.small_files import MAX_SIZE, SmallFiles
from cloudkeep.client.uploads.source import Digests, Source
from cloudkeep.client.uploads.uploads import FINAL, READY, RECEIVING, Uploads, UploadState, init_input
from services.media.types import Compression
from services.uploads.chunk_sizes import default_chunk_size

#: If chunks are damaged on the server this often, its disk is probably broken.
MAX_ROUNDS = 5


@dataclass(frozen=True)
class UploadContext:
    """The objects that the uploads of a run share. ``parallel`` is the number of chunks sent at the same time.

    ``direct`` asks for slots in the server's own store, if it has one.
    """

    http: httpx.AsyncClient
    session: Session
    compress: Compression | None = None
    parallel: int = 4
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    direct: bool = False


class FileUpload:
    """Uploads one file."""

    def __init__(
        self, context: UploadContext, source: Source, track: Track, destination: Destination | None = None
    ) -> None:
        self._destination = destination
        #: The SHA-256 of the file, as soon as it was computed.
        self.sha256 = ""
        self._context = context
        self._source = source
        self._track = track
        self._uploads = Uploads(context.session, context.policy, track.note)

    async def send(self) -> UploadState:
        """Hash the file and send what the server does not have yet. Raises :class:`TransferFailed`."""
        size = self._source.size
        digests = await self._source.digests(
            default_chunk_size(size), ByteCounter(self._track, READING, size or 1).update
        )
        self.sha256 = digests.whole
        options = self._context.compress
        variables = init_input(
            self._source.name, size, digests, options, direct=self._context.direct, destination=self._destination
        )
        state = await self._uploads.init(variables)
        if state.status == RECEIVING and state.received_bytes:
            self._track.note(f"the server has {state.received_bytes / size:.0%} of it already")
        return await self._send_missing(state)

    @property
    def is_small(self) -> bool:
        """Whether the file can be sent together with others."""
        context = self._context
        return self._source.size <= MAX_SIZE and not context.direct and context.compress is None

    async def send_with_others(self, small_files: SmallFiles) -> UploadState:
        """Send a small file together with others. Raises :class:`TransferFailed`."""
        content = await self._source.content()
        self.sha256 = hashlib.sha256(content).hexdigest()
        digests = Digests(self.sha256, default_chunk_size(self._source.size), [])
        variables = init_input(self._source.name, self._source.size, digests, None, destination=self._destination)
        return await small_files.send({**variables, "chunkHashes": None, "direct": False}, content)

    async def finish(self, state: UploadState) -> UploadState:
        """Follow the upload to its end, and send damaged chunks again. Raises :class:`TransferFailed`."""
        for _ in range(MAX_ROUNDS):
            if state.status not in FINAL | {RECEIVING}:
                await ProgressStream(self._context.session, state.id, self._track, self._context.policy).follow()
                state = await self._uploads.get(state.id)
            if state.status in FINAL:
                return _require_ready(state)
            self._track.note("some chunks were damaged on the server; sending them again")
            state = await self._send_missing(state)
        raise TransferFailed("chunks were damaged on the server again and again; its disk may be broken")

    async def _send_missing(self, state: UploadState) -> UploadState:
        if state.status != RECEIVING:
            return state
        counter = ByteCounter(self._track, SENDING, state.size)
        slots = MissingSlots(self._uploads, state.id)
        reports = ChunkReports(self._uploads, state.id) if state.direct else None
        sender = Sender(self._context.http, slots, self._source, self._context.policy, self._track.note, reports)
        counter.update(state.received_bytes)
        await sender.send(state.received_bytes, counter, self._context.parallel)
        return await self._uploads.complete(state.id)


def _require_ready(state: UploadState) -> UploadState:
    if state.status == READY and state.file_id:
        return state
    reason = f": {state.error}" if state.error else ""
    raise TransferFailed(f"the upload is {state.status}{reason}")
