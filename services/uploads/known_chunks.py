"""Which chunks of a new upload its owner has already: they are copied on the server and need not be sent.

Only files of the same account are looked at. The answer would tell otherwise who has which bytes.
"""

from collections.abc import Sequence

from services.core import validation
from services.core.errors import InvalidInput
from storage.uploads import known_chunks
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import Upload

FIELD = "chunkHashes"


def checked(hashes: Sequence[str] | None, upload: Upload) -> list[str]:
    """The digests of all chunks, or none when the client has not said. Raises :class:`InvalidInput`."""
    if hashes is None:
        return []
    if len(hashes) != upload.chunk_count:
        raise InvalidInput(f"There are {upload.chunk_count} chunks of {upload.chunk_size} bytes.", field=FIELD)
    return [validation.sha256(one, field=FIELD) for one in hashes]


async def by_slot(upload: Upload, hashes: Sequence[str]) -> dict[int, KnownChunk]:
    """The chunks that need not be sent, by the index of their slot."""
    known = await known_chunks.find(upload.account_id, hashes)
    mine = {index: known.get((sha256, upload.slot_size(index))) for index, sha256 in enumerate(hashes)}
    return {index: found for index, found in mine.items() if found}
