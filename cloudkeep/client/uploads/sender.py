"""Sends what is missing of an upload, several slots at once."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

import httpx

from cloudkeep.client.api.http import (
    BUDGET_USED_UP,
    CHUNK_TIMEOUT,
    passing_faults,
    require_answer,
    retry_after,
    seconds_of,
)
from cloudkeep.client.api.retry import Attempts, Notify, RetryPolicy
from cloudkeep.client.api.throttle import Throttle
from cloudkeep.client.display.progress import Meter
from cloudkeep.client.errors import Refused, Throttled, TryAgain, UploadFailed
from cloudkeep.client.tasks import task_group
from cloudkeep.client.uploads.reports import CLOSED, Reports, UploadClosed
from cloudkeep.client.uploads.slots import OpenSlots
from cloudkeep.client.uploads.source import Source
from cloudkeep.client.uploads.uploads import Slot

#: How often in a row a slot's URL is renewed before it counts as refused.
RENEWALS = 3
#: A store behind the server may refuse its own URLs in words of its own, but with this status.
URL_REFUSED = 403
#: S3's answers to chunks that came too late, or too slowly
#: (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
NO_UPLOAD = 404
STALLED = b"<Code>RequestTimeout</Code>"
#: And to a URL that outlived the server's own keys, which are renewed where a role of the cloud gives them.
KEYS_EXPIRED = b"<Code>ExpiredToken</Code>"
#: What no chunk has as its ETag.
GONE = "-"
LIMITED = "RATE_LIMITED"
#: What is tried again although it is no fault of the server's.
PASSING = {
    "SLOT_BUSY": "somebody else is sending the same chunk",
    "SLOT_TAKEN_OVER": "a chunk got stuck, and somebody else is sending it now",
    "BODY_INCOMPLETE": "a chunk was cut off",
    "BODY_STALLED": "a chunk got stuck",
    "CHECKSUM_MISMATCH": "a chunk was damaged on its way",
}


class UrlRefused(Exception):
    """The slot's URL has expired, or is none of the server's."""


class Sender:
    """Fills the open slots of one upload from one source."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        slots: OpenSlots,
        source: Source,
        patience: RetryPolicy,
        notify: Notify,
        reports: Reports | None = None,
    ) -> None:
        """With ``reports``, the slots are in the server's store, and what is there is told."""
        self._reports = reports
        self._http = http
        self._slots = slots
        self._source = source
        self._patience = patience
        self._notify = notify
        self._throttle = Throttle(patience, notify)

    async def send(self, received: int, meter: Meter, parallel: int) -> None:
        """Return when no slot is open, or the upload takes no more. ``received`` bytes are there already.

        Raises :class:`UploadFailed` and :class:`SignInError`.
        """
        tally = _Tally(received, meter)
        try:
            async with task_group() as group:
                for _ in range(parallel):
                    group.create_task(self._fill_slots(tally))
        except UploadClosed:
            return

    async def _fill_slots(self, tally: "_Tally") -> None:
        while slot := await self._slots.take():
            await self._fill(slot, tally)

    async def _fill(self, slot: Slot, tally: "_Tally") -> None:
        attempts = Attempts(self._patience, self._notify)
        current, renewals = slot, 0
        while True:
            try:
                await self._throttle.passed(partial(self._put, current, tally))
                return
            except TryAgain as error:
                await attempts.failed(error)
            except UrlRefused:
                renewals += 1
                fresh = await self._renewed(current, renewals)
                if fresh is None:
                    tally.settle(current)
                    return
                current = fresh

    async def _renewed(self, slot: Slot, renewals: int) -> Slot | None:
        if renewals > RENEWALS:
            raise UploadFailed("the server refuses the URLs that it made itself")
        return await self._slots.renew(slot)

    async def _put(self, slot: Slot, tally: "_Tally") -> None:
        # Read twice, once for the digest and once to send: the second time comes from the system's cache.
        digest = await self._source.sha256_of(slot.offset, slot.size)
        headers = {"Content-Length": str(slot.size), "Content-Type": "application/octet-stream"}
        if not self._reports:
            headers["Content-Digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
        async with aclosing(tally.watch(slot, self._source.blocks(slot.offset, slot.size))) as content:
            with passing_faults(slot.url):
                response = await self._http.put(slot.url, content=content, headers=headers, timeout=CHUNK_TIMEOUT)
        if self._reports:
            await self._report(self._reports, slot, response, digest)
        else:
            _judge(response)
        tally.settle(slot)

    async def _report(self, reports: Reports, slot: Slot, response: httpx.Response, digest: bytes) -> None:
        if response.status_code == NO_UPLOAD:
            # The store has thrown everything away, which the server finds out when it is told of a chunk.
            await reports.tell(slot.index, GONE, digest.hex())
            raise UploadClosed
        if STALLED in response.content:
            raise TryAgain(PASSING["BODY_STALLED"])
        if KEYS_EXPIRED in response.content:
            raise UrlRefused
        _judge(response)
        await reports.tell(slot.index, response.headers.get("etag", ""), digest.hex())


class _Tally:
    """Counts the bytes that are there and those that are on their way."""

    def __init__(self, received: int, meter: Meter) -> None:
        self._settled = received
        self._flying: dict[int, int] = {}
        self._meter = meter

    async def watch(self, slot: Slot, blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Pass the blocks on and count them."""
        self._flying[slot.index] = 0
        async with aclosing(blocks):
            async for block in blocks:
                yield block
                self._flying[slot.index] += len(block)
                self._show()

    def settle(self, slot: Slot) -> None:
        """The slot is filled."""
        self._flying.pop(slot.index, None)
        self._settled += slot.size
        self._show()

    def _show(self) -> None:
        self._meter.at(self._settled + sum(self._flying.values()))


def _judge(response: httpx.Response) -> None:
    """Raises what has to happen now, unless the slot is filled."""
    if response.is_success:
        return
    problem = _problem(response)
    code, detail = str(problem.get("code", "")), str(problem.get("detail", ""))
    if response.status_code == URL_REFUSED:
        raise UrlRefused
    if code == CLOSED:
        raise UploadClosed
    after = seconds_of(problem) if code == LIMITED else None
    if after is not None:
        raise Throttled(BUDGET_USED_UP, after)
    if code in PASSING:
        raise TryAgain(PASSING[code], retry_after(response))
    if code != LIMITED:
        require_answer(response, detail)
    raise Refused(code, detail or f"a chunk was refused: {response.status_code} {response.reason_phrase}")


def _problem(response: httpx.Response) -> dict[str, Any]:
    """A problem document (RFC 9457); empty when the answer is none."""
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
