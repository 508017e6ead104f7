"""What is asked of a bucket, in our own words and with our own errors. Keys are ours, without the prefix."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from storage.blobs.base import Part, StoredObject
from storage.blobs.s3.bucket_rules import Rules
from storage.blobs.s3.errors import code_of, translated
from storage.blobs.s3.signing import SAMPLE, Keys, Signer
from storage.blobs.s3.staging_handle import Handle
from storage.blobs.s3.url import S3Place, is_aws
from storage.errors import BlobNotFound, StagingLost, StoreUnavailable

#: Seconds for which our own requests are signed: each begins at once.
SIGNED = 900
#: Parts that S3 copies for us at once.
COPIES = 8
#: Of objects, multipart uploads and parts, in one answer (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
MOST_LISTED = 1_000
#: What UploadPartCopy says when a piece does not lie within its object, or cannot be taken from it: AWS copies no piece
#: of an object of at most 5 MB (docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html, InvalidRequest).
NOT_TO_BE_COPIED = frozenset({"InvalidRange", "InvalidArgument", "InvalidRequest"})


class Bucket:
    """A bucket, below a prefix. Every method raises :class:`StoreUnavailable` after it was tried several times."""

    def __init__(
        self, client: Any, public: Any, place: S3Place, keys: Callable[[], Awaitable[Keys]], page: int = MOST_LISTED
    ) -> None:
        """``public`` knows where clients reach S3. ``page`` is how many things one answer lists."""
        self._keys = keys
        self._signers: dict[Any, Signer] = {}
        self._page = page
        self._paged = {"PageSize": page}
        self._client = client
        self._public = public
        self.place = place
        self.rules = Rules(client, place)

    async def begin(self, key: str, slot_size: int) -> Handle:
        """Begin a multipart upload."""
        with translated():
            begun = await self._client.create_multipart_upload(**self._object(key), **self.place.creation)
        return Handle(key, begun["UploadId"], slot_size)

    async def abort(self, handle: Handle) -> None:
        """End a multipart upload without an object, if there is one."""
        try:
            with translated():
                await self._client.abort_multipart_upload(**self._multipart(handle))
        except StagingLost:
            return

    async def complete(self, handle: Handle, parts: Collection[Part]) -> None:
        """Make an object of these parts. Raises :class:`StagingLost`, and botocore's ``ClientError`` for refusals."""
        ledger = [{"PartNumber": part.index + 1, "ETag": f'"{part.etag}"'} for part in parts]
        await self._client.complete_multipart_upload(**self._multipart(handle), MultipartUpload={"Parts": ledger})

    async def parts(self, handle: Handle, start: int = 0, limit: int | None = None) -> dict[int, set[tuple[str, int]]]:
        """ETag and size of what is in the slots from index ``start`` on, by index; some servers list what was replaced.

        Raises :class:`StagingLost`.
        """
        found: dict[int, set[tuple[str, int]]] = {}
        marker = start
        while True:
            with translated():
                page = await self._client.list_parts(
                    **self._multipart(handle), PartNumberMarker=marker, MaxParts=min(limit or self._page, self._page)
                )
            for part in page.get("Parts", []):
                found.setdefault(part["PartNumber"] - 1, set()).add((part["ETag"].strip('"'), part["Size"]))
            if not page.get("IsTruncated") or (limit is not None and len(found) >= limit):
                return found
            marker = page["NextPartNumberMarker"]

    async def copy(self, handle: Handle, number: int, source: str, offset: int, size: int) -> str | None:
        """Make a part of a piece of an object. Returns its ETag; None when the piece is not to be had this way."""
        piece = {
            "CopySource": {"Bucket": self.place.bucket, "Key": self.place.key(source)},
            "CopySourceRange": f"bytes={offset}-{offset + size - 1}",
        }
        try:
            with translated():
                try:
                    answer = await self._client.upload_part_copy(**self._multipart(handle), PartNumber=number, **piece)
                except ClientError as error:
                    if code_of(error) in NOT_TO_BE_COPIED:
                        return None
                    raise
        except StagingLost:
            raise
        except BlobNotFound:
            return None
        return str(answer["CopyPartResult"]["ETag"]).strip('"')

    async def copy_all(self, handle: Handle, source: str, parts: Sequence[Part]) -> Mapping[int, str]:
        """Copy these parts of an object, a few at once. What is not there is left out."""
        turn = asyncio.Semaphore(COPIES)

        async def one(part: Part) -> tuple[int, str | None]:
            async with turn:
                return part.index, await self.copy(handle, part.index + 1, source, part.offset, part.size)

        copies = [asyncio.ensure_future(one(part)) for part in parts]
        try:
            copied = await asyncio.gather(*copies)
        except BaseException:
            # Whoever aborts the multipart upload now is not to be followed by parts that are still being made.
            for copy in copies:
                copy.cancel()
            await asyncio.wait(copies)
            raise
        return {index: etag for index, etag in copied if etag}

    async def head(self, key: str) -> StoredObject:
        """Describe an object. Raises :class:`BlobNotFound`."""
        with translated():
            found = await self._client.head_object(**self._object(key))
        return StoredObject(key, found["ContentLength"], found["LastModified"])

    async def delete(self, key: str) -> None:
        """Remove an object, if there is one."""
        with translated():
            await self._client.delete_object(**self._object(key))

    async def check(self) -> None:
        """Ask whether the bucket is there, ours, and, at AWS, in the region that URLs are signed for."""
        try:
            with translated():
                found = await self._client.head_bucket(Bucket=self.place.bucket)
        except BlobNotFound:
            raise StoreUnavailable("there is no such bucket") from None
        said = found.get("BucketRegion")
        if is_aws(self._client.meta.endpoint_url) and said and said != self._client.meta.region_name:
            # The client was redirected there by itself; signed URLs are not.
            raise StoreUnavailable(f"the bucket is in another region: its URL has to say region={said}")

    async def objects(self, begin: str = "") -> AsyncIterator[StoredObject]:
        """Every object whose key begins so, a page at a time."""
        pages = self._client.get_paginator("list_objects_v2")
        asked = {"Bucket": self.place.bucket, "Prefix": self.place.key(begin), "PaginationConfig": self._paged}
        async for page in _pages(pages.paginate(**asked)):
            for found in page.get("Contents", []):
                key = found["Key"].removeprefix(self.place.prefix)
                yield StoredObject(key, found["Size"], found["LastModified"])

    async def multiparts(self) -> AsyncIterator[StoredObject]:
        """Every multipart upload below the prefix that has no end, a page at a time."""
        pages = self._client.get_paginator("list_multipart_uploads")
        asked = {"Bucket": self.place.bucket, "Prefix": self.place.prefix, "PaginationConfig": self._paged}
        async for page in _pages(pages.paginate(**asked)):
            for found in page.get("Uploads", []):
                handle = Handle(found["Key"].removeprefix(self.place.prefix), found["UploadId"])
                yield StoredObject(handle.key, 0, found["Initiated"], str(handle))

    async def signed_part(self, handle: Handle, number: int) -> str:
        """Where the bytes of a part go, for ourselves."""
        return await self._sign(self._client, "PUT", handle.key, _part(handle, number), SIGNED)

    async def signed_object(self, key: str) -> str:
        """Where an object can be read, for ourselves."""
        return await self._sign(self._client, "GET", key, {}, SIGNED)

    async def public_part(self, handle: Handle, number: int, size: int, seconds: int) -> str:
        """Where a client sends exactly so many bytes: their number is signed, too."""
        return await self._sign(self._public, "PUT", handle.key, _part(handle, number), seconds, size)

    async def public_object(self, key: str, seconds: int, mime_type: str, disposition: str) -> str:
        """Where a client reads an object, and under which name."""
        said = {"response-content-type": mime_type, "response-content-disposition": disposition}
        return await self._sign(self._public, "GET", key, said, seconds)

    async def _sign(
        self, client: Any, method: str, key: str, query: Mapping[str, str], seconds: int, length: int | None = None
    ) -> str:
        with translated():
            keys = await self._keys()
            signer = self._signers.get(client) or await self._new_signer(client)
        return signer.sign(method, self.place.key(key), query, keys, seconds, length)

    async def _new_signer(self, client: Any) -> Signer:
        asked = {"Bucket": self.place.bucket, "Key": SAMPLE}
        sample = await client.generate_presigned_url("get_object", Params=asked, ExpiresIn=SIGNED)
        self._signers[client] = signer = Signer(sample)
        return signer

    def _object(self, key: str) -> dict[str, Any]:
        return {"Bucket": self.place.bucket, "Key": self.place.key(key)}

    def _multipart(self, handle: Handle) -> dict[str, Any]:
        return {**self._object(handle.key), "UploadId": handle.upload_id}


def _part(handle: Handle, number: int) -> dict[str, str]:
    return {"partNumber": str(number), "uploadId": handle.upload_id}


async def _pages(paginated: AsyncIterable[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    pages = aiter(paginated)
    while True:
        with translated():
            page = await anext(pages, None)
        if page is None:
            return
        yield page
