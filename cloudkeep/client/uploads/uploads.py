"""The upload operations of the server's API, each with retries."""

import hashlib
import json
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Self

from cloudkeep.client.api.documents import (
    COMPLETE_UPLOAD,
    INIT_UPLOAD,
    INIT_UPLOADS,
    MISSING_SLOTS,
    REPORT_CHUNKS,
    UPLOAD,
    UPLOAD_STATUS,
    UPLOADS_BY_IDS,
)
from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.retry import Attempts, Notify, RetryPolicy, retry
from cloudkeep.client.api.session import Session
from cloudkeep.client.drive.drive import REPLACE
from cloudkeep.client.errors import RequestRefused, TransferFailed
from cloudkeep.client.uploads.destination import Destination
from cloudkeep.client.uploads.source import Digests
from services.media.types import Compression

RECEIVING = "RECEIVING"
READY = "READY"
COMPRESSED_VIDEO = "COMPRESSED_VIDEO"
FINAL = frozenset({READY, "FAILED", "ABORTED", "EXPIRED"})
#: Slots per page. Enough for all connections, and few enough that their URLs do not expire before they are used.
PAGE_SIZE = 100


@dataclass(frozen=True)
class UploadState:
    """The state of an upload. ``error`` is the server's message, if there is one; the URLs are secrets.

    The chunks of a ``direct`` upload go to the server's store and must be reported.
    """

    id: str
    status: str
    size: int
    received_bytes: int
    file_id: str | None
    error: str | None
    direct: bool = False
    download_url: str | None = field(default=None, repr=False)
    compressed_url: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, upload: Json | None) -> Self:
        """From the GraphQL object. Raises :class:`TransferFailed` when there is none."""
        if upload is None:
            raise TransferFailed("the server no longer knows this upload")
        file, error = upload["file"] or {}, upload["error"] or {}
        compressed = [each for each in file.get("renditions", []) if each["recipe"] == COMPRESSED_VIDEO]
        return cls(
            id=upload["id"],
            status=upload["status"],
            size=upload["size"],
            received_bytes=upload["receivedBytes"],
            file_id=file.get("id"),
            error=error.get("message"),
            direct=upload["direct"],
            download_url=_url(file),
            compressed_url=next(filter(None, map(_url, compressed)), None),
        )


def _url(stored: Json) -> str | None:
    """The download URL of a file or a rendition. A client that may not download it gets none."""
    return (stored.get("download") or {}).get("url")


@dataclass(frozen=True)
class StartedUpload:
    """An upload of one chunk, and the URL for that, which is a secret."""

    state: UploadState
    url: str = field(repr=False)


def _started(result: Json) -> StartedUpload | TransferFailed:
    for error in result["userErrors"]:
        return RequestRefused(error["code"], error["message"], next(reversed(error["field"] or []), None))
    upload = result["upload"]
    return StartedUpload(UploadState.of(upload), (upload["slot"] or {}).get("url", ""))


def _needs_another_call(result: StartedUpload | TransferFailed) -> bool:
    """Whether an upload was refused because its call had created enough folders before."""
    return isinstance(result, RequestRefused) and (result.code, result.field) == ("TOO_MANY_ITEMS", "relativePath")


@dataclass(frozen=True)
class Slot:
    """A missing slot: ``size`` bytes from ``offset`` go to ``url``, which is a secret.

    ``page`` is the cursor of its page.
    """

    index: int
    offset: int
    size: int
    url: str = field(repr=False)
    page: str | None


@dataclass(frozen=True)
class SlotPage:
    """Some missing slots; ``next`` is the cursor of the next page, if there is one."""

    slots: list[Slot]
    next: str | None


def init_input(
    name: str,
    size: int,
    digests: Digests,
    compress: Compression | None,
    *,
    direct: bool = False,
    destination: Destination | None = None,
) -> Json:
    """The input of ``initUpload``; without ``direct`` the server decides where the chunks go.

    The idempotency key depends only on the file, its options and its destination, so that a second run finds the upload
    of the first. One that replaces has none: a file may get its earlier content back, and the upload of that has ended.
    The server finds it by the file while it is open, and not afterwards.
    """
    options = {"preset": compress.preset.value, "maxHeight": compress.max_height} if compress else None
    place = destination.to_input() if destination else {}
    identity = [unicodedata.normalize("NFC", name), size, digests.whole, options, *([place] if place else [])]
    key = "cli-" + hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return {
        "fileName": name,
        "size": size,
        "sha256": digests.whole,
        "chunkSize": digests.chunk_size,
        "chunkHashes": digests.chunks,
        "compress": options,
        "idempotencyKey": None if destination and destination.conflict == REPLACE else key,
        "direct": direct or None,
        **place,
    }


class Uploads:
    """The uploads of one account.

    Every method raises :class:`TransferFailed` when the server refuses or after the last retry, and
    :class:`SignInError`.
    """

    def __init__(self, session: Session, policy: RetryPolicy, notify: Notify) -> None:
        self._session = session
        self._policy = policy
        self._notify = notify

    async def init(self, variables: Json) -> UploadState:
        """Start an upload, or find the one with the same idempotency key."""
        payload = await self._execute(INIT_UPLOAD, input=variables)
        return UploadState.of(payload["upload"])

    async def get(self, upload_id: str) -> UploadState:
        """The upload as it is now."""
        return UploadState.of(await self._execute(UPLOAD, id=upload_id))

    async def init_all(self, files: list[Json]) -> list["StartedUpload | TransferFailed"]:
        """Start several uploads, or find them. Returns each, or why it was refused.

        A call creates a limited number of folders. Those beyond it are created by the next call.
        """
        found: dict[int, StartedUpload | TransferFailed] = {}
        waiting = list(range(len(files)))
        while waiting:
            payload = await self._execute(INIT_UPLOADS, input={"uploads": [files[index] for index in waiting]})
            found |= zip(waiting, map(_started, payload["results"]), strict=True)
            again = [index for index in waiting if _needs_another_call(found[index])]
            waiting = again if len(again) < len(waiting) else []
        return [found[index] for index in range(len(files))]

    async def get_all(self, upload_ids: list[str]) -> list[UploadState]:
        """Uploads as they are now. Raises :class:`TransferFailed` if the server no longer knows one of them."""
        return [UploadState.of(each) for each in await self._execute(UPLOADS_BY_IDS, ids=upload_ids)]

    async def status(self, upload_id: str) -> str | None:
        """The status of an upload; None if the server does not know it."""
        upload = await self._execute(UPLOAD_STATUS, id=upload_id)
        return upload["status"] if upload else None

    async def complete(self, upload_id: str) -> UploadState:
        """Complete the upload after everything was sent. Returns its new state."""
        try:
            payload = await self._execute(COMPLETE_UPLOAD, input={"uploadId": upload_id})
        except RequestRefused as error:
            if error.code in {"CHUNKS_MISSING", "UPLOAD_CLOSED"}:
                return await self.get(upload_id)
            raise
        return UploadState.of(payload["upload"])

    async def missing_slots(self, upload_id: str, after: str | None) -> SlotPage:
        """A page of the slots that have no bytes yet."""
        upload = await self._execute(MISSING_SLOTS, id=upload_id, first=PAGE_SIZE, after=after)
        if upload is None:
            raise TransferFailed("the server no longer knows this upload")
        slots, info = upload["slots"]["nodes"], upload["slots"]["pageInfo"]
        next_page = info["endCursor"] if info["hasNextPage"] else None
        return SlotPage([Slot(**slot, page=after) for slot in slots], next_page)

    async def report_chunks(self, upload_id: str, chunks: list[Json]) -> None:
        """Report chunks that were sent to S3. Raises :class:`RequestRefused` for the first one that S3 lacks."""
        await self._execute(REPORT_CHUNKS, input={"uploadId": upload_id, "chunks": chunks})

    async def _execute(self, document: str, **variables: object) -> Any:
        attempts = Attempts(self._policy, self._notify)
        return await retry(lambda: self._session.execute(document, **variables), attempts)
