"""Sends the missing chunks of an upload, several at a time."""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import httpx

from cloudkeep.client.api.http import (
    BUDGET_USED_UP,
    CHUNK_TIMEOUT,
    network_errors_retryable,
    raise_if_retryable,
    retry_after_header,
    retry_after_member,
)
from cloudkeep.client.api.retry import Attempts, Notify, RetryPolicy
from cloudkeep.client.api.throttle import Throttle
from cloudkeep.client.display.progress import ByteCounter
from cloudkeep.client.errors import RateLimited, RequestRefused, RetryableError, TransferFailed
from cloudkeep.client.uploads.chunk_reports import UPLOAD_CLOSED, ChunkReports, UploadClosed
from cloudkeep.client.uploads.slots import MissingSlots
from cloudkeep.client.uploads.source import Source
from cloudkeep.client.uploads.uploads import Slot

#: The number of times that a slot's URL is renewed in a row.
MAX_RENEWALS = 3
#: A store also answers with this status to a signed URL that it refuses.
URL_REFUSED = 403
#: S3's responses to chunks that arrive too late or too slowly
#: (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
NO_SUCH_UPLOAD = 404
REQUEST_TIMEOUT = b"<Code>RequestTimeout</Code>"
#: S3's response to a URL that was signed with temporary keys that have expired.
EXPIRED_TOKEN = b"<Code>ExpiredToken</Code>"
#: An ETag that no chunk has.
NO_ETAG = "-"
RATE_LIMITED = "RATE_LIMITED"
#: The codes of temporary problems, with the messages of this client.
RETRYABLE_PROBLEMS = {
    "SLOT_BUSY": "another client is sending the same chunk",
    "SLOT_TAKEN_OVER": "a chunk stalled, and another client is sending it now",
    "BODY_INCOMPLETE": "a chunk was not sent completely",
    "BODY_STALLED": "a chunk stalled",
    "CHECKSUM_MISMATCH": "a chunk was damaged on its way",
}


class SlotUrlRefused(Exception):
    """The slot's URL has expired or is invalid."""


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises the first error instead of a group, because the other errors follow from it."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


class Sender:
    """Sends the missing chunks of one upload from one source."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        slots: MissingSlots,
        source: Source,
        policy: RetryPolicy,
        notify: Notify,
        reports: ChunkReports | None = None,
    ) -> None:
        """With ``reports``, chunks go to the server's store and are reported to the server."""
        self._reports = reports
        self._http = http
        self._slots = slots
        self._source = source
        self._policy = policy
        self._notify = notify
        self._throttle = Throttle(policy, notify)

    async def send(self, received: int, counter: ByteCounter, parallel: int) -> None:
        """Return when no slot is missing, or the upload is closed. The server has ``received`` bytes already.

        Raises :class:`TransferFailed` and :class:`SignInError`.
        """
        sent_bytes = _SentBytes(received, counter)
        try:
            async with task_group() as group:
                for _ in range(parallel):
                    group.create_task(self._fill_slots(sent_bytes))
        except UploadClosed:
            return

    async def _fill_slots(self, sent_bytes: "_SentBytes") -> None:
        while slot := await self._slots.take():
            await self._fill_slot(slot, sent_bytes)

    async def _fill_slot(self, slot: Slot, sent_bytes: "_SentBytes") -> None:
        attempts = Attempts(self._policy, self._notify)
        renewals = 0
        while True:
            try:
                await self._throttle.run(partial(self._put_chunk, slot, sent_bytes))
                return
            except RetryableError as error:
                await attempts.failed(error)
            except SlotUrlRefused:
                renewals += 1
                renewed = await self._renew(slot, renewals)
                if renewed is None:
                    sent_bytes.finish(slot)
                    return
                slot = renewed

    async def _renew(self, slot: Slot, renewals: int) -> Slot | None:
        if renewals > MAX_RENEWALS:
            raise TransferFailed("the server refuses the URLs that it has signed")
        return await self._slots.renew(slot)

    async def _put_chunk(self, slot: Slot, sent_bytes: "_SentBytes") -> None:
        # Read twice: for the digest, and to send. The second time the bytes come from the page cache.
        digest = await self._source.sha256_of(slot.offset, slot.size)
        headers = {"Content-Length": str(slot.size), "Content-Type": "application/octet-stream"}
        if not self._reports:
            headers["Content-Digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
        async with aclosing(sent_bytes.count(slot, self._source.blocks(slot.offset, slot.size))) as content:
            with network_errors_retryable(slot.url):
                response = await self._http.put(slot.url, content=content, headers=headers, timeout=CHUNK_TIMEOUT)
        if self._reports:
            await self._report(self._reports, slot, response, digest)
        else:
            raise_for_problem(response)
        sent_bytes.finish(slot)

    async def _report(self, reports: ChunkReports, slot: Slot, response: httpx.Response, digest: bytes) -> None:
        if response.status_code == NO_SUCH_UPLOAD:
            # The store has deleted the upload. A report makes the server notice.
            await reports.report(slot.index, NO_ETAG, digest.hex())
            raise UploadClosed
        if REQUEST_TIMEOUT in response.content:
            raise RetryableError(RETRYABLE_PROBLEMS["BODY_STALLED"])
        if EXPIRED_TOKEN in response.content:
            raise SlotUrlRefused
        raise_for_problem(response)
        await reports.report(slot.index, response.headers.get("etag", ""), digest.hex())


class _SentBytes:
    """Counts the bytes of finished slots and of those that are being sent."""

    def __init__(self, received: int, counter: ByteCounter) -> None:
        self._finished = received
        self._unfinished: dict[int, int] = {}
        self._counter = counter

    async def count(self, slot: Slot, blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Pass the blocks on and count them."""
        self._unfinished[slot.index] = 0
        async with aclosing(blocks):
            async for block in blocks:
                yield block
                self._unfinished[slot.index] += len(block)
                self._show()

    def finish(self, slot: Slot) -> None:
        """Count the slot as filled."""
        self._unfinished.pop(slot.index, None)
        self._finished += slot.size
        self._show()

    def _show(self) -> None:
        self._counter.update(self._finished + sum(self._unfinished.values()))


def raise_for_problem(response: httpx.Response) -> None:
    """Raise the error for a response that is no success."""
    if response.is_success:
        return
    problem = _problem(response)
    code, detail = str(problem.get("code", "")), str(problem.get("detail", ""))
    if response.status_code == URL_REFUSED:
        raise SlotUrlRefused
    if code == UPLOAD_CLOSED:
        raise UploadClosed
    retry_after = retry_after_member(problem) if code == RATE_LIMITED else None
    if retry_after is not None:
        raise RateLimited(BUDGET_USED_UP, retry_after)
    if code in RETRYABLE_PROBLEMS:
        raise RetryableError(RETRYABLE_PROBLEMS[code], retry_after_header(response))
    if code != RATE_LIMITED:
        raise_if_retryable(response, detail)
    raise RequestRefused(code, detail or f"a chunk was refused: {response.status_code} {response.reason_phrase}")


def _problem(response: httpx.Response) -> dict[str, Any]:
    """The problem document (RFC 9457); empty when there is none."""
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
