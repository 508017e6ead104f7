"""Checks a client's description of a file, and builds the upload row from it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from services.core import validation
from services.core.clock import now
from services.core.errors import InvalidInput
from services.core.validation import Checks
from services.media.content_types.media_types import UNKNOWN_TYPE
from services.media.content_types.names import by_name
from services.media.types import Compression
from services.uploads.chunk_sizes import LARGEST_FILE, MAX_CHUNK_SIZE, MAX_CHUNKS, default_chunk_size
from services.uploads.errors import TooLarge
from services.uploads.types import NewUpload
from storage.blobs import BlobStore
from storage.budgets import limit_overrides
from storage.drive.names import folded
from storage.drive.tree.chains import MAX_DEPTH
from storage.drive.tree.destinations import Destination
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.new_uploads import Draft

T = TypeVar("T")
#: The folder at the beginning of a path, if it is not the root, and the folded names of the path.
Place = tuple[UUID | None, tuple[str, ...]]

#: The digest of no bytes.
EMPTY_SHA256 = hashlib.sha256().hexdigest()


@dataclass(frozen=True)
class UploadPolicy:
    """The server's limits: bytes per file, the time to wait for the next chunk, and the bytes of an account."""

    max_file_size: int
    lifetime: timedelta
    quota: int | None = None
    #: Whether clients send chunks straight to the store, unless they choose otherwise.
    direct: bool = False
    #: The time to wait for the first chunk, unless ``lifetime`` is shorter.
    first_chunk_lifetime: timedelta = timedelta(hours=1)
    #: Open uploads of an account.
    open_uploads: int = 1_000
    #: The share of the free disk that an account may reserve by bytes that it has not sent.
    reservation_percent: int = 100

    async def quota_of(self, account_id: UUID) -> int | None:
        """The bytes that the account may use: as granted to it, or else ``quota``. None is no limit."""
        return await limit_overrides.quota_of(account_id, self.quota)

    @property
    def until_first_chunk(self) -> timedelta:
        """The time that an upload without a chunk lives.

        Not for direct uploads: they reserve no disk, and the server learns of their chunks only by reports.
        """
        return min(self.first_chunk_lifetime, self.lifetime)


@dataclass
class PendingUpload:
    """A request whose upload is not stored yet. ``hashes`` are the digests of the chunks, if the client sent them."""

    request: NewUpload
    draft: Draft
    hashes: list[str]

    @property
    def place(self) -> Place:
        """Equal for requests that name the same folder in the same way."""
        destination = self.draft.destination
        return destination.parent_id, tuple(map(folded, destination.names))

    @property
    def identity(self) -> object:
        """Equal for requests of the same upload; None if every request is an upload of its own."""
        upload = self.draft.upload
        if upload.idempotency_key or not upload.sha256:
            return upload.idempotency_key
        content = upload.file_name, upload.size, upload.sha256, upload.conflict
        return content, upload.chunk_size, json.dumps(upload.compress), self.place


def build_upload(account_id: UUID, request: NewUpload, policy: UploadPolicy, store: BlobStore) -> PendingUpload:
    """A row for the request, which is not stored yet.

    Raises :class:`InvalidInput` or :class:`TooLarge` for the first wrong field, with the errors of the others.
    """
    with Checks() as check:
        name = check(validation.file_name, request.file_name)
        size = check(_require_size, request.size, policy)
        mime_type = check(_optional(validation.mime_type), request.mime_type)
        sha256 = check(_sha256, request.sha256, request.size)
        chunk_size = check(_chunk_size, request.chunk_size, request.size, store)
        hashes = check(_chunk_hashes, request.chunk_hashes, size, chunk_size)
        compress = check(_optional(Compression.validated), request.compress)
        idempotency_key = check(_optional(validation.idempotency_key), request.idempotency_key)
        folders = check(_folders, request.relative_path)
    upload = Upload(
        id=uuid7(),
        account_id=account_id,
        file_name=name,
        mime_type=mime_type or by_name(name or "") or UNKNOWN_TYPE,
        size=size,
        chunk_size=chunk_size,
        sha256=sha256,
        compress=compress.to_json() if compress else None,
        idempotency_key=idempotency_key,
        direct=store.supports_direct_uploads and (policy.direct if request.direct is None else request.direct),
        conflict=request.conflict,
        status=UploadStatus.RECEIVING,
    )
    upload.expires_at = now() + (policy.lifetime if upload.direct else policy.until_first_chunk)
    return PendingUpload(request, Draft(upload, Destination(request.parent_id, folders)), hashes)


def _folders(relative_path: str | None) -> list[str]:
    """The names of the folders in a path."""
    names = relative_path.split("/", MAX_DEPTH + 1) if relative_path else []
    if len(names) > MAX_DEPTH:
        raise InvalidInput(f"A path has at most {MAX_DEPTH} folders.", field="relativePath")
    return [validation.file_name(name, field="relativePath") for name in names]


def _sha256(declared: str | None, size: int) -> str | None:
    sha256 = None if declared is None else validation.sha256(declared)
    if size != 0:
        return sha256
    if sha256 not in {None, EMPTY_SHA256}:
        raise InvalidInput("This is not the SHA-256 of an empty file.", field="sha256")
    return EMPTY_SHA256


def _chunk_hashes(hashes: Sequence[str] | None, size: int | None, chunk_size: int | None) -> list[str]:
    if hashes is None:
        return []
    # Without a valid size or chunk size, which are refused already, their number is not known.
    if size is not None and chunk_size and len(hashes) != (count := -(-size // chunk_size)):
        raise InvalidInput(f"There are {count} chunks of {chunk_size} bytes.", field="chunkHashes")
    return [validation.sha256(each, field=f"chunkHashes.{index}") for index, each in enumerate(hashes)]


def _require_size(size: int, policy: UploadPolicy) -> int:
    if size < 0:
        raise InvalidInput("A size is not negative.", field="size")
    limit = min(policy.max_file_size, LARGEST_FILE)
    if size > limit:
        raise TooLarge(f"A file may have at most {limit} bytes.", field="size")
    return size


def _chunk_size(requested: int | None, size: int, store: BlobStore) -> int:
    if requested is None:
        return default_chunk_size(size)
    smallest = store.min_chunk_size
    if not smallest <= requested <= MAX_CHUNK_SIZE:
        raise InvalidInput(f"A chunk must have {smallest} to {MAX_CHUNK_SIZE} bytes.", field="chunkSize")
    if size > requested * MAX_CHUNKS:
        raise InvalidInput(f"With this chunk size the file has more than {MAX_CHUNKS} chunks.", field="chunkSize")
    return requested


def _optional(rule: Callable[[T], T]) -> Callable[[T | None], T | None]:
    return lambda value: None if value is None else rule(value)
