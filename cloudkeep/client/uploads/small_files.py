"""Sends small files in groups: their uploads are started by one request, and their bytes are sent by another one.

A file that needs more than that is returned as it is, and continues by itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

import httpx

from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.http import CHUNK_TIMEOUT, network_errors_retryable
from cloudkeep.client.api.retry import Attempts, Notify, RetryPolicy, retry
from cloudkeep.client.api.session import Session
from cloudkeep.client.errors import TransferFailed
from cloudkeep.client.uploads.chunk_reports import UploadClosed
from cloudkeep.client.uploads.sender import SlotUrlRefused, raise_for_problem
from cloudkeep.client.uploads.uploads import FINAL, RECEIVING, StartedUpload, Uploads, UploadState

#: The largest file, in bytes, and the number of files that the server accepts at once.
MAX_SIZE = 64 * 1024
MOST_FILES = 100
#: Groups that are under way: one is being started, one is being sent, the others are being verified by the server.
GROUPS_AT_ONCE = 4
#: Seconds in which files gather for a group.
GATHERING_SECONDS = 0.05
#: Seconds until the first look at a group that the server verifies, the most until the next one, and the time after
#: which each file is followed by itself.
LOOK_SECONDS = 0.2
LONGEST_PAUSE = 2.0
MOST_SECONDS = 300.0
SLOTS = "/uploads/"
SMALL_CHUNKS_PATH = "/uploads/chunks"


@dataclass(eq=False)
class _SmallFile:
    """A file that waits for its group."""

    variables: Json
    content: bytes
    result: asyncio.Future[UploadState] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class SmallFiles:
    """The small files of a run. ``notify`` gets messages about many files at once, which belong to none of them."""

    def __init__(self, http: httpx.AsyncClient, session: Session, policy: RetryPolicy, notify: Notify) -> None:
        self._http = http
        self._policy = policy
        self._notify = notify
        self._uploads = Uploads(session, policy, notify)
        self._queue: asyncio.Queue[_SmallFile] = asyncio.Queue()

    @asynccontextmanager
    async def running(self, group: asyncio.TaskGroup) -> AsyncIterator[None]:
        """Send files during the block."""
        senders = [group.create_task(self._send_groups()) for _ in range(GROUPS_AT_ONCE)]
        try:
            yield
        finally:
            for sender in senders:
                sender.cancel()

    async def send(self, variables: Json, content: bytes) -> UploadState:
        """The upload of a file, after its bytes were sent. ``variables`` are the input of ``initUpload``.

        Raises :class:`TransferFailed`, and :class:`cloudkeep.client.errors.SignInError`.
        """
        file = _SmallFile(variables, content)
        self._queue.put_nowait(file)
        return await file.result

    async def _send_groups(self) -> None:
        while True:
            files = [await self._queue.get()]
            if self._queue.qsize() < MOST_FILES - 1:
                await asyncio.sleep(GATHERING_SECONDS)
            while len(files) < MOST_FILES and not self._queue.empty():
                files.append(self._queue.get_nowait())
            try:
                await self._send_group(files)
            except Exception as error:
                for file in files:
                    if not file.result.done():
                        file.result.set_exception(error)

    async def _send_group(self, files: list[_SmallFile]) -> None:
        found = await self._uploads.init_all([file.variables for file in files])
        started: list[tuple[_SmallFile, StartedUpload]] = []
        for file, each in zip(files, found, strict=True):
            if isinstance(each, TransferFailed):
                file.result.set_exception(each)
            elif each.state.status in FINAL:
                file.result.set_result(each.state)
            else:
                started.append((file, each))
        missing = [(file, each) for file, each in started if each.state.status == RECEIVING and not each.state.direct]
        if missing:
            await self._send_chunks(missing)
        if started:
            states = await self._wait([each.state.id for _, each in started])
            for (file, _), state in zip(started, states, strict=True):
                file.result.set_result(state)

    async def _send_chunks(self, missing: list[tuple[_SmallFile, StartedUpload]]) -> None:
        """Send the bytes of files. Those that the server refuses continue by themselves, with its reasons."""
        url = missing[0][1].url.partition(SLOTS)[0] + SMALL_CHUNKS_PATH
        form = [(each.url, ("chunk", file.content, "application/octet-stream")) for file, each in missing]

        async def post() -> None:
            with network_errors_retryable(url):
                raise_for_problem(await self._http.post(url, files=form, timeout=CHUNK_TIMEOUT))

        with suppress(TransferFailed, SlotUrlRefused, UploadClosed):
            await retry(post, Attempts(self._policy, self._notify))

    async def _wait(self, upload_ids: list[str]) -> list[UploadState]:
        """The uploads, when the server has stored or refused them all, or after too many looks."""
        states: dict[str, UploadState] = {}
        remaining, pause, until = upload_ids, LOOK_SECONDS, monotonic() + MOST_SECONDS
        while remaining:
            await asyncio.sleep(pause)
            pause, is_last = min(pause * 1.5, LONGEST_PAUSE), monotonic() > until
            # A look at one of them is cheap. The server stores them in groups.
            if is_last or await self._uploads.status(remaining[-1]) in {*FINAL, RECEIVING, None}:
                found = await self._uploads.get_all(remaining)
                states |= {state.id: state for state in found}
                remaining = [state.id for state in found if state.status not in {*FINAL, RECEIVING} and not is_last]
        return [states[upload_id] for upload_id in upload_ids]
