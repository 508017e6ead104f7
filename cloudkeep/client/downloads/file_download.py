"""The download of one file: what is missing of it, verified, and then under its name."""

import asyncio
import os
import re
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cloudkeep.client.api.http import network_errors_retryable, origin, raise_if_retryable
from cloudkeep.client.api.retry import Attempts, RetryPolicy
from cloudkeep.client.display.progress import Track
from cloudkeep.client.downloads.partial_file import PartialFile
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.errors import ItemFailed, RetryableError, SourceError, TransferFailed
from cloudkeep.client.uploads.source import Source

BLOCK_SIZE = 256 * 1024
#: How often a file is downloaded whose bytes are wrong.
MAX_DAMAGED = 2
#: How often a URL is renewed in a row.
MAX_RENEWALS = 3
#: The responses to a URL that has expired or whose version was deleted.
REFUSED = frozenset({403, 404, 410})
GONE, FORBIDDEN = "was deleted meanwhile", "may not be downloaded"
PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 206, 416
_CONTENT_RANGE = re.compile(r"bytes (\d+)-")

#: Called with the number of the file's bytes that are there.
OnProgress = Callable[[int], None]


class UrlRefused(Exception):
    """The signed URL is not valid any more."""


@dataclass(frozen=True)
class DownloadContext:
    """What the downloads of a run share. ``overwrite`` replaces files with other content."""

    drive: Drive
    http: httpx.AsyncClient
    track: Track
    overwrite: bool = False
    policy: RetryPolicy = field(default_factory=RetryPolicy)


class FileDownload:
    """Downloads one file to a path. ``item`` has its URL."""

    def __init__(self, context: DownloadContext, item: RemoteItem, target: Path, on_progress: OnProgress) -> None:
        self._context = context
        self._item = item
        self._target = target
        self._on_progress = on_progress
        self._size = item.size or 0

    async def run(self) -> bool:
        """Download the file, unless it is there. Returns whether it was downloaded.

        Raises :class:`ItemFailed`, :class:`DiskFull`, :class:`TransferFailed` and :class:`SignInError`.
        """
        if await self._is_there():
            self._on_progress(self._size)
            return False
        if self._size and not self._item.url:
            raise ItemFailed(self._item.label, FORBIDDEN)
        with PartialFile(self._target, self._item.sha256 or "") as part:
            while await asyncio.to_thread(part.hash_step):
                pass
            if part.size > self._size:
                part.reset()
            self._on_progress(part.size)
            await self._receive_intact(part)
            await asyncio.to_thread(part.publish, overwrite=self._context.overwrite)
        return True

    async def _is_there(self) -> bool:
        """Whether the target has these bytes. Raises :class:`ItemFailed` if it is in the way."""
        status = self._status()
        if status is None:
            return False
        if stat.S_ISDIR(status.st_mode):
            raise ItemFailed(str(self._target), "is a folder here")
        if stat.S_ISREG(status.st_mode) and status.st_size == self._size and await self._has_same_bytes():
            return True
        if not self._context.overwrite:
            raise ItemFailed(str(self._target), "exists here with other content; --overwrite replaces it")
        return False

    def _status(self) -> os.stat_result | None:
        """What has the name of the target; None if nothing has. A link is not followed."""
        try:
            return self._target.lstat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ItemFailed(str(self._target), error.strerror) from error

    async def _has_same_bytes(self) -> bool:
        try:
            with Source(self._target) as source:
                return (await source.sha256_of(0, self._size)).hex() == self._item.sha256
        except (SourceError, TransferFailed) as error:
            if self._context.overwrite:
                return False
            reason = f"exists here and cannot be compared: {error}; --overwrite replaces it"
            raise ItemFailed(str(self._target), reason) from error

    async def _receive_intact(self, part: PartialFile) -> None:
        for _ in range(MAX_DAMAGED):
            await self._receive(part)
            if part.is_intact:
                return
            part.reset()
            self._context.track.note(f"{self._target}: the bytes do not match their SHA-256; downloading them again")
        raise ItemFailed(self._item.label, "the bytes do not match their SHA-256")

    async def _receive(self, part: PartialFile) -> None:
        attempts = Attempts(self._context.policy, self._context.track.note)
        renewals = 0
        while part.size < self._size:
            size_before = part.size
            try:
                await self._receive_once(part)
            except RetryableError as error:
                if part.size > size_before:
                    attempts.succeeded()
                    renewals = 0
                await attempts.failed(error)
            except UrlRefused:
                renewals += 1
                await self._renew(renewals)

    async def _receive_once(self, part: PartialFile) -> None:
        assert self._item.url
        with network_errors_retryable(self._item.url):
            async with self._response(self._item.url, part.size) as response:
                self._require_bytes(response, part)
                async for block in response.aiter_bytes(BLOCK_SIZE):
                    if part.size + len(block) > self._size:
                        part.reset()
                        raise RetryableError("the server sent more bytes than the file has")
                    await asyncio.to_thread(part.append, block)
                    self._on_progress(part.size)
        if part.size < self._size:
            raise RetryableError(f"the connection to {origin(self._item.url)} was lost")

    @asynccontextmanager
    async def _response(self, url: str, offset: int) -> AsyncIterator[httpx.Response]:
        """The response to a request for the bytes from ``offset``. The server may redirect to its store."""
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        # RFC 9110, section 13.1.5. The store has other entity tags, and its URL names bytes that never change.
        condition = {"If-Range": f'"{self._item.sha256}"'} if offset else {}
        async with self._context.http.stream("GET", url, headers=headers | condition) as response:
            if not response.has_redirect_location:
                yield response
                return
            location = response.url.join(response.headers["location"])
        async with self._context.http.stream("GET", location, headers=headers) as response:
            yield response

    def _require_bytes(self, response: httpx.Response, part: PartialFile) -> None:
        """Raise unless the response continues the part. One that starts at the first byte resets it."""
        if response.status_code in REFUSED:
            raise UrlRefused
        if response.status_code == RANGE_NOT_SATISFIABLE:
            part.reset()
            raise RetryableError("the server refused to go on in the middle of the file")
        raise_if_retryable(response)
        if not response.is_success:
            raise ItemFailed(self._item.label, f"the server answers {response.status_code} {response.reason_phrase}")
        if response.status_code != PARTIAL_CONTENT:
            part.reset()
            return
        match = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
        if not match or int(match[1]) != part.size:
            part.reset()
            raise RetryableError("the server sent another part of the file")

    async def _renew(self, renewals: int) -> None:
        current = await self._context.drive.with_url(self._item)
        if current is None:
            raise ItemFailed(self._item.label, GONE)
        if not current.url:
            raise ItemFailed(self._item.label, FORBIDDEN)
        if current.sha256 != self._item.sha256:
            raise ItemFailed(self._item.label, "was changed meanwhile; run the command again")
        if renewals > MAX_RENEWALS:
            raise ItemFailed(self._item.label, "the server refuses the URLs that it has signed")
        self._item = current
