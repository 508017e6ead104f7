"""Requests to a bucket, with the errors of the contract. Keys are those of the contract, without the prefix."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from storage.blobs.base import Part, StoredObject
from storage.blobs.s3.bucket_rules import BucketRules
from storage.blobs.s3.errors import code_of, translate_errors
from storage.blobs.s3.signing import SAMPLE, Credentials, Signer
from storage.blobs.s3.staging_handle import StagingHandle
from storage.blobs.s3.url import S3Place, is_aws
from storage.errors import BlobNotFound, StagingLost, StoreUnavailable

#: Seconds for which URLs of the server's own requests are valid: each is used immediately.
OWN_URL_SECONDS = 900
#: Parts that S3 copies at the same time.
COPIES = 8
#: Maximum page size of listings of objects, multipart uploads and parts
#: (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
PAGE_SIZE = 1_000
#: Errors of UploadPartCopy if a range is not within its object, or cannot be copied: AWS copies no range of an object
#: of up to 5 MB (docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html, InvalidRequest).
NOT_COPYABLE = frozenset({"InvalidRange", "InvalidArgument", "InvalidRequest"})


#: The metadata of every object that is sealed, since there are records: without a record, it was never published.
RECORDED = {"cloudkeep-records": "1"}


class Bucket:
    """A bucket, below a prefix. Every method retries several times before it raises :class:`StoreUnavailable`."""

    def __init__(
        self,
        client: Any,
        public: Any,
        place: S3Place,
        credentials: Callable[[], Awaitable[Credentials]],
        page: int = PAGE_SIZE,
    ) -> None:
        """``public`` has the endpoint for clients. ``page`` is the page size of listings."""
        self._credentials = credentials
        self._signers: dict[Any, Signer] = {}
        self._page = page
        self._paged = {"PageSize": page}
        self._client = client
        self._public = public
        self.place = place
        self.rules = BucketRules(client, place)

    async def create_multipart(self, key: str, slot_size: int, *, is_blob: bool = False) -> StagingHandle:
        """Begin a multipart upload. With ``is_blob``, its object is a blob as soon as it is complete."""
        metadata = {} if is_blob else RECORDED
        with translate_errors():
            created = await self._client.create_multipart_upload(
                **self._object(key), **self.place.creation, Metadata=metadata
            )
        return StagingHandle(key, created["UploadId"], slot_size)

    async def abort_multipart(self, handle: StagingHandle) -> None:
        """Abort a multipart upload, if it exists."""
        try:
            with translate_errors():
                await self._client.abort_multipart_upload(**self._multipart(handle))
        except StagingLost:
            return

    async def complete_multipart(self, handle: StagingHandle, parts: Collection[Part]) -> None:
        """Combine these parts into an object. Raises :class:`StagingLost`, and botocore's ``ClientError``."""
        listed = [{"PartNumber": part.index + 1, "ETag": f'"{part.etag}"'} for part in parts]
        await self._client.complete_multipart_upload(**self._multipart(handle), MultipartUpload={"Parts": listed})

    async def parts(
        self, handle: StagingHandle, start: int = 0, limit: int | None = None
    ) -> dict[int, set[tuple[str, int]]]:
        """ETags and sizes of the parts from index ``start`` on, by index; some servers also list replaced parts.

        Raises :class:`StagingLost`.
        """
        parts: dict[int, set[tuple[str, int]]] = {}
        marker = start
        while True:
            with translate_errors():
                page = await self._client.list_parts(
                    **self._multipart(handle), PartNumberMarker=marker, MaxParts=min(limit or self._page, self._page)
                )
            for part in page.get("Parts", []):
                parts.setdefault(part["PartNumber"] - 1, set()).add((part["ETag"].strip('"'), part["Size"]))
            if not page.get("IsTruncated") or (limit is not None and len(parts) >= limit):
                return parts
            marker = page["NextPartNumberMarker"]

    async def copy_part(self, handle: StagingHandle, number: int, source: str, offset: int, size: int) -> str | None:
        """Copy a range of an object into a part. Returns its ETag, or None if S3 cannot copy it."""
        piece = {
            "CopySource": {"Bucket": self.place.bucket, "Key": self.place.key(source)},
            "CopySourceRange": f"bytes={offset}-{offset + size - 1}",
        }
        try:
            with translate_errors():
                try:
                    copied = await self._client.upload_part_copy(**self._multipart(handle), PartNumber=number, **piece)
                except ClientError as error:
                    if code_of(error) in NOT_COPYABLE:
                        return None
                    raise
        except StagingLost:
            raise
        except BlobNotFound:
            return None
        return str(copied["CopyPartResult"]["ETag"]).strip('"')

    async def copy_parts(self, handle: StagingHandle, source: str, parts: Sequence[Part]) -> Mapping[int, str]:
        """Copy these parts of an object, a few at a time. The result lacks missing parts."""
        semaphore = asyncio.Semaphore(COPIES)

        async def copy(part: Part) -> tuple[int, str | None]:
            async with semaphore:
                return part.index, await self.copy_part(handle, part.index + 1, source, part.offset, part.size)

        tasks = [asyncio.ensure_future(copy(part)) for part in parts]
        try:
            copied = await asyncio.gather(*tasks)
        except BaseException:
            # The caller aborts the multipart upload next: no part may be created after that.
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            raise
        return {index: etag for index, etag in copied if etag}

    async def head(self, key: str) -> StoredObject:
        """Describe an object. Raises :class:`BlobNotFound`."""
        with translate_errors():
            response = await self._client.head_object(**self._object(key))
        return StoredObject(key, response["ContentLength"], response["LastModified"])

    async def awaits_record(self, key: str) -> bool:
        """Whether this object has a record if it was published: False for one from an older version or of ``put``.

        Raises :class:`BlobNotFound`.
        """
        with translate_errors():
            response = await self._client.head_object(**self._object(key))
        metadata: dict[str, str] = response.get("Metadata", {})
        return RECORDED.items() <= metadata.items()

    async def write_small(self, key: str, content: bytes) -> None:
        """Store a small object in one request. Not in the storage class of blobs, which may be slow or expensive."""
        parameters = {name: value for name, value in self.place.creation.items() if name != "StorageClass"}
        with translate_errors():
            await self._client.put_object(**self._object(key), **parameters, Body=content)

    async def read_small(self, key: str, limit: int) -> bytes:
        """The first ``limit`` bytes of an object. Raises :class:`BlobNotFound`."""
        with translate_errors():
            response = await self._client.get_object(**self._object(key))
            async with response["Body"]:
                content: bytes = await response["Body"].read(limit)
        return content

    async def delete(self, key: str) -> None:
        """Remove an object, if there is one."""
        with translate_errors():
            await self._client.delete_object(**self._object(key))

    async def check(self) -> None:
        """Raise unless the bucket exists, is accessible and, at AWS, is in the region that URLs are signed for."""
        try:
            with translate_errors():
                response = await self._client.head_bucket(Bucket=self.place.bucket)
        except BlobNotFound:
            raise StoreUnavailable("there is no such bucket") from None
        region = response.get("BucketRegion")
        if is_aws(self._client.meta.endpoint_url) and region and region != self._client.meta.region_name:
            # The client follows the redirect; a signed URL cannot.
            raise StoreUnavailable(f"the bucket is in another region: its URL has to say region={region}")

    async def objects(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """Every object whose key begins with ``prefix``, a page at a time."""
        pages = self._client.get_paginator("list_objects_v2")
        query = {"Bucket": self.place.bucket, "Prefix": self.place.key(prefix), "PaginationConfig": self._paged}
        async for page in _pages(pages.paginate(**query)):
            for entry in page.get("Contents", []):
                key = entry["Key"].removeprefix(self.place.prefix)
                yield StoredObject(key, entry["Size"], entry["LastModified"])

    async def multipart_uploads(self) -> AsyncIterator[StoredObject]:
        """Every unfinished multipart upload below the prefix, a page at a time."""
        pages = self._client.get_paginator("list_multipart_uploads")
        query = {"Bucket": self.place.bucket, "Prefix": self.place.prefix, "PaginationConfig": self._paged}
        async for page in _pages(pages.paginate(**query)):
            for entry in page.get("Uploads", []):
                handle = StagingHandle(entry["Key"].removeprefix(self.place.prefix), entry["UploadId"])
                yield StoredObject(handle.key, 0, entry["Initiated"], str(handle))

    async def part_url(self, handle: StagingHandle, number: int) -> str:
        """A signed URL of a part, for a PUT by this server."""
        return await self._sign(self._client, "PUT", handle.key, _part(handle, number), OWN_URL_SECONDS)

    async def object_url(self, key: str) -> str:
        """A signed URL of an object, for a GET by this server."""
        return await self._sign(self._client, "GET", key, {}, OWN_URL_SECONDS)

    async def public_part_url(self, handle: StagingHandle, number: int, size: int, seconds: int) -> str:
        """A signed URL of a part, for a client's PUT of exactly ``size`` bytes."""
        return await self._sign(self._public, "PUT", handle.key, _part(handle, number), seconds, size)

    async def public_object_url(self, key: str, seconds: int, mime_type: str, disposition: str) -> str:
        """A signed URL of an object, for a client's GET; the response has these headers."""
        query = {"response-content-type": mime_type, "response-content-disposition": disposition}
        return await self._sign(self._public, "GET", key, query, seconds)

    async def _sign(
        self, client: Any, method: str, key: str, query: Mapping[str, str], seconds: int, length: int | None = None
    ) -> str:
        with translate_errors():
            credentials = await self._credentials()
            signer = self._signers.get(client) or await self._new_signer(client)
        return signer.sign(method, self.place.key(key), query, credentials, seconds, length)

    async def _new_signer(self, client: Any) -> Signer:
        params = {"Bucket": self.place.bucket, "Key": SAMPLE}
        sample = await client.generate_presigned_url("get_object", Params=params, ExpiresIn=OWN_URL_SECONDS)
        self._signers[client] = signer = Signer(sample)
        return signer

    def _object(self, key: str) -> dict[str, Any]:
        return {"Bucket": self.place.bucket, "Key": self.place.key(key)}

    def _multipart(self, handle: StagingHandle) -> dict[str, Any]:
        return {**self._object(handle.key), "UploadId": handle.upload_id}


def _part(handle: StagingHandle, number: int) -> dict[str, str]:
    return {"partNumber": str(number), "uploadId": handle.upload_id}


async def _pages(paginated: AsyncIterable[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    pages = aiter(paginated)
    while True:
        with translate_errors():
            page = await anext(pages, None)
        if page is None:
            return
        yield page
