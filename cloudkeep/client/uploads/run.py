"""One run of ``cloudkeep upload``: check the arguments, sign in, upload every file, and report the result."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import open_http
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.sign_in import sign_in
from cloudkeep.client.api.tokens import TokenPair, Tokens
from cloudkeep.client.display.display import BarTrack, Display, open_display, print_error
from cloudkeep.client.display.progress import Ended
from cloudkeep.client.display.whole import WholeDisplay
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.run import Notes
from cloudkeep.client.errors import SourceError, TransferFailed, UsageError, printable
from cloudkeep.client.uploads.destination import FileToUpload
from cloudkeep.client.uploads.file_upload import FileUpload, UploadContext
from cloudkeep.client.uploads.gathering import gather
from cloudkeep.client.uploads.local_tree import local_name
from cloudkeep.client.uploads.sender import task_group
from cloudkeep.client.uploads.small_files import MAX_SIZE, MOST_FILES, SmallFiles
from cloudkeep.client.uploads.source import Source
from services.media.types import Compression

#: One file is sent at a time and has the whole bandwidth. The others are being verified or compressed by the server.
FILES_AT_ONCE = 8

#: Small files are sent in groups, of which some are being verified by the server. Each has an open file, and its bytes
#: are in memory.
SMALL_FILES_AT_ONCE = 4 * MOST_FILES

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
    """The options of the command. ``paths`` are files and folders.

    ``place`` is the folder of the drive; without one, files go to the root.
    """

    paths: tuple[Path, ...]
    compress: Compression | None = None
    parallel: int = 4
    direct: bool = False
    place: str | None = None
    conflict: str | None = None


@dataclass(frozen=True)
class FileResult:
    """The result of one file. ``file_id`` is None if the file was not uploaded."""

    exit_code: ExitCode
    file_id: str | None = None


def run(options: UploadOptions, url: str, open_tokens: OpenTokens, ask: AskCredentials) -> ExitCode:
    """Upload the files with these tokens, or after a sign-in by user ID and password.

    Raises :class:`cloudkeep.client.errors.ClientError` when the whole run fails, and KeyboardInterrupt.
    """
    http = open_http(url)
    graphql = GraphQL(http, url)
    with asyncio.Runner() as runner:
        try:
            tokens = open_tokens(graphql)
            runner.run(Session(graphql, tokens).check())
            if tokens is None:
                # Outside of the event loop, because a prompt blocks.
                tokens = TokenPair.of(graphql, runner.run(sign_in(graphql, *ask())))
            session = Session(graphql, tokens)
            context = UploadContext(http, session, options.compress, options.parallel, direct=options.direct)
            return runner.run(_upload(options, context))
        finally:
            runner.run(http.aclose())


async def _upload(options: UploadOptions, context: UploadContext) -> ExitCode:
    """Upload the paths. What cannot be uploaded from folders is printed at the end."""
    has_folders = any(map(os.path.isdir, options.paths))
    if not has_folders and options.place is None and options.conflict is None:
        return await upload_all(map(FileToUpload.of, options.paths), context, open_display())
    drive = Drive(context.session, Notes(), context.policy)
    gathered = await gather(drive, options.paths, options.place, options.conflict, _report_skipped)
    if not has_folders:
        return await upload_all(gathered.files, context, open_display())
    return await upload_whole(gathered.files, gathered.failed, context)


async def upload_whole(
    files: Sequence[FileToUpload],
    failed: Mapping[str, str],
    context: UploadContext,
    *,
    with_ids: bool = True,
) -> ExitCode:
    """Upload many files with one progress bar, and print at the end what failed, here and before."""
    name = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    display = WholeDisplay(open_display(), name, sum(file.size for file in files), with_ids=with_ids)
    code = await upload_all(files, context, display)
    display.close(len(failed))
    for label, problem in [*failed.items(), *display.problems]:
        print_error(f"cloudkeep: {printable(label)}: {problem}")
    return ExitCode.FAILED if failed else code


def _report_skipped(path: str, problem: str) -> None:
    print_error(f"cloudkeep: {printable(path)}: {problem}; skipped")


async def upload_all(
    files: Iterable[FileToUpload], context: UploadContext, display: Display | WholeDisplay
) -> ExitCode:
    """Upload the files. Their IDs are printed in this order, each as soon as the ones before it are done.

    Raises :class:`cloudkeep.client.errors.SignInError` when the session has ended.
    """
    queue = _UploadQueue(context, display)
    exit_codes: list[ExitCode] = []
    with display.bars:
        async with task_group() as group, queue.small_files.running(group):
            for task in [group.create_task(queue.upload(file)) for file in files]:
                result = await task
                exit_codes.append(result.exit_code)
                if result.file_id:
                    display.result(result.file_id)
    return next((code for code in (ExitCode.FAILED, ExitCode.NOT_COMPRESSED) if code in exit_codes), ExitCode.DONE)


class _UploadQueue:
    """Limits how many files are in progress, and sends one of them at a time."""

    def __init__(self, context: UploadContext, display: Display | WholeDisplay) -> None:
        self._context = context
        self._display = display
        self._unfinished = asyncio.Semaphore(FILES_AT_ONCE)
        self._unfinished_small = asyncio.Semaphore(SMALL_FILES_AT_ONCE)
        self._sending = asyncio.Lock()
        self.small_files = SmallFiles(context.http, context.session, context.policy, display.note)

    async def upload(self, file: FileToUpload) -> FileResult:
        """Upload one file. Raises :class:`cloudkeep.client.errors.ClientError` if the whole run fails."""
        async with self._unfinished_small if _is_small(file.path) else self._unfinished:
            track = self._display.track(file.label, file.size)
            try:
                with Source(file.path) as source:
                    upload = FileUpload(self._context, source, track, file.destination)
                    result = await self._upload(upload, track)
                    if file.on_stored:
                        file.on_stored(source.status, upload.sha256)
                    return result
            except (TransferFailed, SourceError) as error:
                track.end(f"not uploaded: {error}", Ended.FAILED)
                return FileResult(ExitCode.FAILED)

    async def _upload(self, upload: FileUpload, track: BarTrack) -> FileResult:
        if upload.is_small:
            state = await upload.send_with_others(self.small_files)
        else:
            async with self._sending:
                state = await upload.send()
        state = await upload.finish(state)
        if state.error:
            if state.download_url:
                track.link("original", state.download_url)
            track.end(f"uploaded, but not compressed: {printable(state.error)}", Ended.NOT_COMPRESSED)
            return FileResult(ExitCode.NOT_COMPRESSED, state.file_id)
        if self._context.compress and state.compressed_url:
            track.link("compressed", state.compressed_url)
        track.end(f"ready: {state.download_url}" if state.download_url else "ready")
        return FileResult(ExitCode.DONE, state.file_id)


def _is_small(path: Path) -> bool:
    try:
        return path.stat().st_size <= MAX_SIZE
    except OSError:
        return False


def require_sources(files: Iterable[Path]) -> None:
    """Raise :class:`UsageError` if a file cannot be uploaded. Of several, all but the last are printed."""
    problems = [problem for path in files if (problem := _source_problem(path))]
    for problem in problems[:-1]:
        print_error(f"cloudkeep: {problem}")
    if problems:
        raise UsageError(problems[-1])


def _source_problem(path: Path) -> str | None:
    if os.path.isdir(path):
        return None if local_name(path) else f"{path}: is the whole machine; name folders in it"
    try:
        Source(path).close()
    except SourceError as error:
        return f"{printable(str(path))}: {error}"
    return None
