"""The records of objects in a bucket: the object ``records/KEY`` for the blob ``KEY``."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from storage.blobs.publishing import MAX_RECORD
from storage.blobs.s3.bucket import Bucket
from storage.blobs.s3.requests_at_once import at_once
from storage.blobs.s3.staging_handle import reopen_count
from storage.errors import BlobNotFound

#: No key of a blob begins like this.
PREFIX = "records/"


class S3Records:
    """See :class:`storage.blobs.publishing.BlobRecords`."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def write(self, key: str, content: bytes) -> None:
        """See :class:`storage.blobs.publishing.BlobRecords`."""
        await self._bucket.write_small(PREFIX + key, content)

    async def write_all(self, records: Mapping[str, bytes]) -> None:
        """See :class:`storage.blobs.publishing.BlobRecords`."""
        await at_once([partial(self.write, key, content) for key, content in records.items()])

    async def read(self, key: str) -> bytes | None:
        """See :class:`storage.blobs.publishing.BlobRecords`."""
        try:
            return await self._bucket.read_small(PREFIX + key, MAX_RECORD)
        except BlobNotFound:
            return None

    async def keys(self, staging: str) -> Sequence[str]:
        """See :class:`storage.blobs.publishing.BlobRecords`."""
        original = staging.partition(":")[0].partition(".")[0]
        items = [item.key.removeprefix(PREFIX) async for item in self._bucket.objects(PREFIX + original)]
        return sorted((key for key in items if key.partition(".")[0] == original), key=reopen_count, reverse=True)

    async def all_keys(self) -> AsyncIterator[str]:
        """See :class:`storage.blobs.publishing.BlobRecords`."""
        async for item in self._bucket.objects(PREFIX):
            yield item.key.removeprefix(PREFIX)

    async def delete(self, key: str) -> None:
        """Delete the record of a blob, if it has one."""
        await self._bucket.delete(PREFIX + key)
