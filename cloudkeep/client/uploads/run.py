"""One run of ``cloudkeep upload``: check what was asked, sign in, send every file, and say how it ended."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import open_http
from cloudkeep.client.api.session import Session
from cloudkeep.client.display.display import Display, open_display, say
from cloudkeep.client.errors import SourceError, UploadFailed, UsageError, printable
from cloudkeep.client.tasks import task_group
from cloudkeep.client.uploads.file_upload import FileUpload, UploadContext, inspect
from cloudkeep.client.uploads.source import Source
from services.media.media import Compression

#: One file is read and sent at a time, so that its bytes have the whole line; the others of these are being compressed.
FILES_AT_ONCE = 8

Credentials = Callable[[], tuple[str, str]]


class Exit(IntEnum):
    """How a run ended, for scripts. The worst of all files counts: FAILED, then NOT_COMPRESSED."""

    DONE = 0
    FAILED = 1
    UNUSABLE = 2
    NOT_COMPRESSED = 3
    INTERRUPTED = 130


@dataclass(frozen=True)
class UploadOptions:
    """What was asked for."""

    files: tuple[Path, ...]
    url: str
    compress: Compression | None = None
    parallel: int = 4
    direct: bool = False


@dataclass(frozen=True)
class Outcome:
    """How one file ended. ``file_id`` is None when it was not uploaded."""

    exit: Exit
    file_id: str | None = None


def run(order: UploadOptions, identity: str | Credentials) -> Exit:
    """Carry out the order, as whom an access token stands for or who types user ID and password.

    Raises :class:`cloudkeep.client.errors.ClientError` when nothing more can be done, and KeyboardInterrupt.
    """
    require_sources(order.files)
    http = open_http(order.url)
    with asyncio.Runner() as runner:
        try:
            session = Session(GraphQL(http, order.url), identity if isinstance(identity, str) else None)
            runner.run(session.check())
            if not isinstance(identity, str):
                # Asked between two runs of the loop, because asking blocks.
                runner.run(session.sign_in(*identity()))
            means = UploadContext(http, session, order.compress, order.parallel, direct=order.direct)
            return runner.run(upload_all(order.files, means, open_display()))
        finally:
            runner.run(http.aclose())


async def upload_all(files: Iterable[Path], means: UploadContext, display: Display) -> Exit:
    """Upload the files. Their IDs are printed in this order, each as soon as the ones before it are done.

    Raises :class:`cloudkeep.client.errors.SignInError` when nobody is signed in any longer.
    """
    fleet = _Fleet(means, display)
    outcomes: list[Outcome] = []
    with display:
        async with task_group() as group:
            for task in [group.create_task(fleet.upload(path)) for path in files]:
                outcome = await task
                outcomes.append(outcome)
                if outcome.file_id:
                    display.result(outcome.file_id)
    return _worst([outcome.exit for outcome in outcomes])


class _Fleet:
    """All files of a run: some are on their way, one of them is being sent."""

    def __init__(self, means: UploadContext, display: Display) -> None:
        self._means = means
        self._display = display
        self._places = asyncio.Semaphore(FILES_AT_ONCE)
        self._line = asyncio.Lock()

    async def upload(self, path: Path) -> Outcome:
        """The whole way of one file. Raises :class:`cloudkeep.client.errors.ClientError` on what ends the whole run."""
        async with self._places:
            track = self._display.track(printable(path.name))
            try:
                with Source(path) as source:
                    return await self._upload(FileUpload(self._means, source, track), track.end)
            except (UploadFailed, SourceError) as error:
                track.end(f"not uploaded: {error}")
                return Outcome(Exit.FAILED)

    async def _upload(self, journey: FileUpload, end: Callable[[str], None]) -> Outcome:
        async with self._line:
            begun = await journey.begin()
        state = await journey.finish(begun)
        if state.error:
            end(f"uploaded, but not compressed: {printable(state.error)}")
            return Outcome(Exit.NOT_COMPRESSED, state.file_id)
        end("ready")
        return Outcome(Exit.DONE, state.file_id)


def _worst(exits: list[Exit]) -> Exit:
    return next((one for one in (Exit.FAILED, Exit.NOT_COMPRESSED) if one in exits), Exit.DONE)


def require_sources(files: Iterable[Path]) -> None:
    """Raises :class:`UsageError` when one of the files is none, after a line about each of those."""
    flaws = [flaw for path in files if (flaw := _flaw(path))]
    for flaw in flaws[:-1]:
        say(f"cloudkeep: {flaw}")
    if flaws:
        raise UsageError(flaws[-1])


def _flaw(path: Path) -> str | None:
    try:
        inspect(path)
    except SourceError as error:
        return f"{printable(str(path))}: {error}"
    return None
