"""What a client says about the file that it wants to send, and the upload row that this makes."""

import hashlib
import json
import mimetypes
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.core import validation
from services.core.clock import now
from services.core.errors import InvalidInput
from services.uploads.chunk_sizes import MAX_CHUNK_SIZE, MAX_CHUNKS, default_chunk_size
from services.uploads.errors import TooLarge
from services.uploads.types import NewUpload
from storage.blobs import BlobStore
from storage.uploads.models import Upload, UploadStatus

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class UploadPolicy:
    """The server's limits: bytes per file, how long an upload waits for its next chunk, and bytes per account."""

    max_file_size: int
    lifetime: timedelta
    quota: int | None = None
    #: Whether clients send chunks to the store itself, unless they say otherwise.
    direct: bool = False


def build_upload(account_id: UUID, request: NewUpload, policy: UploadPolicy, store: BlobStore) -> Upload:
    """A row for the request, which is not stored yet. Raises :class:`InvalidInput` and :class:`TooLarge`."""
    name = validation.file_name(request.file_name)
    size = _require_size(request.size, policy)
    key = request.idempotency_key
    upload = Upload(
        id=uuid7(),
        account_id=account_id,
        file_name=name,
        mime_type=_mime_type(request.mime_type, name),
        size=size,
        chunk_size=_chunk_size(request.chunk_size, size, store),
        sha256=None if request.sha256 is None else validation.sha256(request.sha256),
        compress=request.compress.to_json() if request.compress else None,
        idempotency_key=None if key is None else validation.idempotency_key(key),
        direct=store.supports_direct_uploads and (policy.direct if request.direct is None else request.direct),
        status=UploadStatus.RECEIVING,
        expires_at=now() + policy.lifetime,
    )
    upload.fingerprint = _fingerprint(upload)
    return upload


def chunk_hashes(request: NewUpload, upload: Upload) -> list[str]:
    """The digests of all chunks, or none if the client has not sent them. Raises :class:`InvalidInput`."""
    if request.chunk_hashes is None:
        return []
    field = "chunkHashes"
    if len(request.chunk_hashes) != upload.chunk_count:
        raise InvalidInput(f"There are {upload.chunk_count} chunks of {upload.chunk_size} bytes.", field=field)
    return [validation.sha256(each, field=field) for each in request.chunk_hashes]


def _require_size(size: int, policy: UploadPolicy) -> int:
    if size < 1:
        raise InvalidInput("A file has at least one byte.", field="size")
    limit = min(policy.max_file_size, MAX_CHUNK_SIZE * MAX_CHUNKS)
    if size > limit:
        raise TooLarge(f"A file may have at most {limit} bytes.", field="size")
    return size


def _chunk_size(requested: int | None, size: int, store: BlobStore) -> int:
    if requested is None:
        return default_chunk_size(size)
    smallest = store.min_chunk_size
    if not smallest <= requested <= MAX_CHUNK_SIZE:
        raise InvalidInput(f"A chunk has {smallest} to {MAX_CHUNK_SIZE} bytes.", field="chunkSize")
    if size > requested * MAX_CHUNKS:
        raise InvalidInput(f"With this chunk size the file has more than {MAX_CHUNKS} chunks.", field="chunkSize")
    return requested


def _mime_type(requested: str | None, file_name: str) -> str:
    if requested is not None:
        return validation.mime_type(requested)
    return mimetypes.guess_type(file_name)[0] or UNKNOWN_TYPE


def _fingerprint(upload: Upload) -> str | None:
    """What two equal requests have in common, so that the database lets only one of them begin an upload.

    The owner is part of it. None when the client has not sent the file's SHA-256, or tells uploads apart by keys.
    """
    if upload.sha256 is None or upload.idempotency_key is not None:
        return None
    owner = str(upload.account_id)
    identity = [owner, upload.file_name, upload.size, upload.sha256, upload.chunk_size, upload.compress]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
