"""What the client asks of an upload, for as long as its patience lasts."""

import hashlib
import json
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Self

from cloudkeep.client.api.documents import BEGIN, COMPLETE, LOOK, REPORT, SLOTS
from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.retry import Attempts, Notify, RetryPolicy, persist
from cloudkeep.client.api.session import Session
from cloudkeep.client.errors import Refused, UploadFailed
from cloudkeep.client.uploads.source import Digests
from services.media.media import Compression

RECEIVING = "RECEIVING"
READY = "READY"
FINAL = frozenset({READY, "FAILED", "ABORTED", "EXPIRED"})
#: Slots asked for at once: enough to keep every connection busy, few enough for their URLs to be fresh.
PAGE = 100


@dataclass(frozen=True)
class UploadState:
    """Where an upload stands. ``error`` is the server's message, if there is one.

    The slots of one that is ``direct`` lead to the server's store, and it wants to be told what is there.
    """

    id: str
    status: str
    size: int
    received_bytes: int
    file_id: str | None
    error: str | None
    direct: bool = False

    @classmethod
    def of(cls, upload: Json | None) -> Self:
        """From the GraphQL form. Raises :class:`UploadFailed` when there is none."""
        if upload is None:
            raise UploadFailed("the server no longer knows this upload")
        file, error = upload["file"] or {}, upload["error"] or {}
        return cls(
            id=upload["id"],
            status=upload["status"],
            size=upload["size"],
            received_bytes=upload["receivedBytes"],
            file_id=file.get("id"),
            error=error.get("message"),
            direct=upload["direct"],
        )


@dataclass(frozen=True)
class Slot:
    """An open slot: ``size`` bytes from ``offset`` on go to ``url``, which is a secret.

    ``page`` is the cursor that its page was asked with.
    """

    index: int
    offset: int
    size: int
    url: str = field(repr=False)
    page: str | None


@dataclass(frozen=True)
class SlotPage:
    """Some open slots; ``next`` is the cursor of the page behind, if there is one."""

    slots: list[Slot]
    next: str | None


def new_upload(name: str, size: int, digests: Digests, compress: Compression | None, *, direct: bool = False) -> Json:
    """The input of ``initUpload``; without ``direct`` the server decides on the way of the chunks.

    Its idempotency key depends on what is uploaded, and on nothing else. So a second run finds the upload of the first
    one, wherever and whenever it is started.
    """
    options = {"preset": compress.preset.value, "maxHeight": compress.max_height} if compress else None
    identity = json.dumps([unicodedata.normalize("NFC", name), size, digests.whole, options], sort_keys=True)
    key = "cli-" + hashlib.sha256(identity.encode()).hexdigest()
    return {
        "fileName": name,
        "size": size,
        "sha256": digests.whole,
        "chunkSize": digests.chunk_size,
        "chunkHashes": digests.chunks,
        "compress": options,
        "idempotencyKey": key,
        "direct": direct or None,
    }


class Uploads:
    """Uploads of whoever is signed in.

    Every method raises :class:`UploadFailed` when the server refuses or patience ends, and :class:`SignInError`.
    """

    def __init__(self, session: Session, patience: RetryPolicy, notify: Notify) -> None:
        self._session = session
        self._patience = patience
        self._notify = notify

    async def begin(self, new: Json) -> UploadState:
        """Begin an upload, or find the one that was begun before with the same key."""
        answer = await self._ask(BEGIN, input=new)
        return UploadState.of(answer["upload"])

    async def look(self, upload_id: str) -> UploadState:
        """The upload as it is now."""
        return UploadState.of(await self._ask(LOOK, id=upload_id))

    async def complete(self, upload_id: str) -> UploadState:
        """Say that everything was sent, and see where the upload stands."""
        try:
            answer = await self._ask(COMPLETE, id=upload_id)
        except Refused as error:
            if error.code in {"CHUNKS_MISSING", "UPLOAD_CLOSED"}:
                return await self.look(upload_id)
            raise
        return UploadState.of(answer["upload"])

    async def open_slots(self, upload_id: str, after: str | None) -> SlotPage:
        """A page of the slots that still wait for their bytes."""
        upload = await self._ask(SLOTS, id=upload_id, first=PAGE, after=after)
        if upload is None:
            raise UploadFailed("the server no longer knows this upload")
        slots, info = upload["slots"]["nodes"], upload["slots"]["pageInfo"]
        following = info["endCursor"] if info["hasNextPage"] else None
        return SlotPage([Slot(**slot, page=after) for slot in slots], following)

    async def report(self, upload_id: str, chunks: list[Json]) -> None:
        """Say what was sent to the store. Raises :class:`Refused` by the first of them that is not as it was said."""
        await self._ask(REPORT, id=upload_id, chunks=chunks)

    async def _ask(self, document: str, **variables: object) -> Any:
        return await persist(lambda: self._session.ask(document, **variables), Attempts(self._patience, self._notify))
