"""The command ``cloudkeep upload``. It imports what it needs when it runs, so that other commands start quickly."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloudkeep.client.command import INTERRUPTED, ServerUrl, run_command

if TYPE_CHECKING:
    from cloudkeep.client.uploads.run import UploadOptions
    from services.media.types import Compression

PARALLEL = range(1, 33)


def upload(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files and folders to upload.", show_default=False)
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="The folder of the drive, which is created if it is missing.", show_default=False
        ),
    ] = None,
    conflict: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="What to do with a file whose name is taken: KEEP_BOTH (the default; a number is added to the name), "
            "REPLACE (it becomes a new version) or FAIL.",
            show_default=False,
        ),
    ] = None,
    compress: Annotated[
        str | None,
        typer.Option(metavar="PRESET", help="Compress the videos: FAST, BALANCED or SMALL.", show_default=False),
    ] = None,
    max_height: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Scale compressed videos down to this height.", show_default=False),
    ] = None,
    url: ServerUrl = None,
    parallel: Annotated[int, typer.Option(metavar="N", help="Chunks to send at the same time, 1 to 32.")] = 4,
    direct: Annotated[
        bool, typer.Option("--direct", help="Send the chunks directly to the server's S3 store, if it has one.")
    ] = False,
) -> None:
    """Upload files and folders to a CloudKeep server.

    Prints the ID and the download URL of each file; with folders, only the IDs. Symbolic links and special files in
    folders are skipped.

    Signs in with the token in CLOUDKEEP_TOKEN or the session of `cloudkeep login`, or asks for a name (user ID or
    address) and a password. After an interruption, run the same command again: it sends only what is missing.

    Exit codes: 0 every file was uploaded, 1 a file was not uploaded, 2 wrong usage, no server or no sign-in, 3 a file
    was uploaded but not compressed, 130 interrupted.
    """

    def work() -> int:
        from cloudkeep.client.drive.commands import conflict_policy
        from cloudkeep.client.uploads.run import UploadOptions

        options = UploadOptions(
            paths=tuple(files),
            compress=_compression(compress, max_height),
            parallel=parallel,
            direct=direct,
            place=to,
            conflict=conflict_policy(conflict) if conflict else None,
        )
        return _upload(options, url)

    raise typer.Exit(run_command(work, INTERRUPTED))


def _upload(options: "UploadOptions", url: str | None) -> int:
    from cloudkeep.client.credentials.choice import choose_credentials
    from cloudkeep.client.errors import SignInError, UsageError
    from cloudkeep.client.uploads.run import require_sources, run

    if options.parallel not in PARALLEL:
        raise UsageError(f"--parallel must be between {PARALLEL[0]} and {PARALLEL[-1]}, not {options.parallel}")
    require_sources(options.paths)
    credentials = choose_credentials(url)
    if not credentials.is_signed_in and not sys.stdin.isatty():
        raise SignInError(
            "no one is signed in: run `cloudkeep login`, set CLOUDKEEP_TOKEN to an access token or an API token, or "
            "run this in a terminal"
        )
    return run(options, credentials.url, credentials.tokens, _ask)


def _ask() -> tuple[str, str]:
    from cloudkeep.client.prompts import ask, ask_password

    return ask("User ID or e-mail address"), ask_password()


def _compression(preset: str | None, max_height: int | None) -> "Compression | None":
    from cloudkeep.client.errors import UsageError, printable
    from services.core.errors import InvalidInput
    from services.media.types import Compression, CompressionPreset

    if preset is None:
        if max_height is not None:
            raise UsageError("--max-height needs --compress")
        return None
    if preset.upper() not in CompressionPreset.__members__:
        presets = ", ".join(CompressionPreset)
        raise UsageError(f"--compress must be one of {presets}, not {printable(repr(preset))}")
    try:
        return Compression(CompressionPreset(preset.upper()), max_height).validated()
    except InvalidInput as error:
        raise UsageError(f"--max-height: {error}") from error
