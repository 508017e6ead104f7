"""One run of ``cloudkeep upload``: check the arguments, sign in, upload every file, and report the result."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import open_http
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.sign_in import sign_in
from cloudkeep.client.api.tokens import TokenPair, Tokens
from cloudkeep.client.display.display import Display, open_display, print_error
from cloudkeep.client.display.progress import Track
from cloudkeep.client.errors import SourceError, UploadFailed, UsageError, printable
from cloudkeep.client.uploads.file_upload import FileUpload, UploadContext
from cloudkeep.client.uploads.sender import task_group
from cloudkeep.client.uploads.source import Source
from services.media.types import Compression

#: One file is sent at a time and has the whole bandwidth. The others are being verified or compressed by the server.
FILES_AT_ONCE = 8

#: Asks for user ID and password.
AskCredentials = Callable[[], tuple[str, str]]
#: The tokens with which to use a GraphQL endpoint; None if there are none yet.
OpenTokens = Callable[[GraphQL], Tokens | None]


class ExitCode(IntEnum):
    """The exit code of a run. With several files the worst result counts: FAILED, then NOT_COMPRESSED."""

    DONE = 0
    FAILED = 1
    UNUSABLE = 2
    NOT_COMPRESSED = 3
    INTERRUPTED = 130


@dataclass(frozen=True)
class UploadOptions:
    """The options of the command."""

    files: tuple[Path, ...]
    url: str
    compress: Compression | None = None
    parallel: int = 4
    direct: bool = False


@dataclass(frozen=True)
class FileResult:
    """The result of one file. ``file_id`` is None if the file was not uploaded."""

    exit_code: ExitCode
    file_id: str | None = None


def run(options: UploadOptions, open_tokens: OpenTokens, ask: AskCredentials) -> ExitCode:
    """Upload the files with these tokens, or after a sign-in by user ID and password.

    Raises :class:`cloudkeep.client.errors.ClientError` when the whole run fails, and KeyboardInterrupt.
    """
    http = open_http(options.url)
    graphql = GraphQL(http, options.url)
    with asyncio.Runner() as runner:
        try:
            tokens = open_tokens(graphql)
            runner.run(Session(graphql, tokens).check())
            if tokens is None:
                # Outside of the event loop, because a prompt blocks.
                tokens = TokenPair.of(graphql, runner.run(sign_in(graphql, *ask())))
            session = Session(graphql, tokens)
            context = UploadContext(http, session, options.compress, options.parallel, direct=options.direct)
            return runner.run(upload_all(options.files, context, open_display()))
        finally:
            runner.run(http.aclose())


async def upload_all(files: Iterable[Path], context: UploadContext, display: Display) -> ExitCode:
    """Upload the files. Their IDs are printed in this order, each as soon as the ones before it are done.

    Raises :class:`cloudkeep.client.errors.SignInError` when the session has ended.
    """
    queue = _UploadQueue(context, display)
    exit_codes: list[ExitCode] = []
    with display.bars:
        async with task_group() as group:
            for task in [group.create_task(queue.upload(path)) for path in files]:
                result = await task
                exit_codes.append(result.exit_code)
                if result.file_id:
                    display.result(result.file_id)
    return next((code for code in (ExitCode.FAILED, ExitCode.NOT_COMPRESSED) if code in exit_codes), ExitCode.DONE)


class _UploadQueue:
    """Limits how many files are in progress, and sends one of them at a time."""

    def __init__(self, context: UploadContext, display: Display) -> None:
        self._context = context
        self._display = display
        self._unfinished = asyncio.Semaphore(FILES_AT_ONCE)
        self._sending = asyncio.Lock()

    async def upload(self, path: Path) -> FileResult:
        """Upload one file. Raises :class:`cloudkeep.client.errors.ClientError` if the whole run fails."""
        async with self._unfinished:
            track = self._display.track(printable(path.name))
            try:
                with Source(path) as source:
                    return await self._upload(FileUpload(self._context, source, track), track)
            except (UploadFailed, SourceError) as error:
                track.end(f"not uploaded: {error}")
                return FileResult(ExitCode.FAILED)

    async def _upload(self, upload: FileUpload, track: Track) -> FileResult:
        async with self._sending:
            state = await upload.send()
        state = await upload.finish(state)
        if state.error:
            if state.download_url:
                track.note(f"original: {state.download_url}")
            track.end(f"uploaded, but not compressed: {printable(state.error)}")
            return FileResult(ExitCode.NOT_COMPRESSED, state.file_id)
        if self._context.compress and state.compressed_url:
            track.note(f"compressed: {state.compressed_url}")
        track.end(f"ready: {state.download_url}" if state.download_url else "ready")
        return FileResult(ExitCode.DONE, state.file_id)


def require_sources(files: Iterable[Path]) -> None:
    """Raise :class:`UsageError` if a file cannot be uploaded. Of several, all but the last are printed."""
    problems = [problem for path in files if (problem := _source_problem(path))]
    for problem in problems[:-1]:
        print_error(f"cloudkeep: {problem}")
    if problems:
        raise UsageError(problems[-1])


def _source_problem(path: Path) -> str | None:
    try:
        Source(path).close()
    except SourceError as error:
        return f"{printable(str(path))}: {error}"
    return None
