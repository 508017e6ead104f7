"""Whether a file that is begun again is an upload that is open already."""

import hashlib
import json

from services.media.media import Compression
from services.uploads.errors import IdempotencyConflict
from storage.uploads.models import Upload


def fingerprint(upload: Upload) -> str | None:
    """What two equal requests have in common, so that the database lets only one of them begin an upload.

    The owner is part of it. None when the client has not said what the bytes are, or tells uploads apart by keys.
    """
    if upload.sha256 is None or upload.idempotency_key is not None:
        return None
    owner = str(upload.account_id)
    identity = [owner, upload.file_name, upload.size, upload.sha256, upload.chunk_size, upload.compress]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def is_wanted(known: Upload, *, chunk_size: int | None, compress: Compression | None) -> bool:
    """Whether an upload of the same file is cut and will be compressed as the client asks, if it asks."""
    cut = chunk_size in {None, known.chunk_size}
    return cut and (compress is None or known.compress == compress.to_json())


def same(known: Upload, asked: Upload) -> Upload:
    """The known upload, unless the key is used for another file now.

    Raises :class:`IdempotencyConflict`.
    """
    if (known.file_name, known.size, known.sha256) != (asked.file_name, asked.size, asked.sha256):
        raise IdempotencyConflict("This idempotency key belongs to another file.", field="idempotencyKey")
    return known
