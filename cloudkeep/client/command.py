"""The command ``cloudkeep upload``. Imports what it needs when it runs: the other commands start without it."""

import os
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cloudkeep.client.uploads.run import AskCredentials, UploadOptions
    from services.media.types import Compression

URL = "http://localhost:8000"
PARALLEL = range(1, 33)
INTERRUPTED = "Interrupted. Run the same command again to go on."


def upload(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to upload.", show_default=False)],
    compress: Annotated[
        str | None,
        typer.Option(metavar="PRESET", help="Compress the videos: FAST, BALANCED or SMALL.", show_default=False),
    ] = None,
    max_height: Annotated[
        int | None, typer.Option(help="Scale compressed videos down to this height in pixels.", show_default=False)
    ] = None,
    url: Annotated[str, typer.Option(envvar="CLOUDKEEP_URL", help="The server.")] = URL,
    parallel: Annotated[int, typer.Option(help="Chunks that are sent at once, 1 to 32.")] = 4,
    direct: Annotated[
        bool, typer.Option("--direct", help="Send chunks straight to the server's S3 store, if it has one.")
    ] = False,
) -> None:
    """Upload files and print the ID of each. Run it again after an interruption: it sends only what is missing.

    Signs in with the token in CLOUDKEEP_TOKEN, or asks for user ID and password.

    Exit codes: 0 all is done, 1 a file was not uploaded, 2 nothing could be done, 3 a file was uploaded but not
    compressed, 130 interrupted.
    """
    try:
        code = _upload(lambda: _options(files, compress, max_height, url, parallel, direct=direct))
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{INTERRUPTED}\n" if sys.stderr.isatty() else f"{INTERRUPTED}\n")
        code = 130
    raise typer.Exit(code)


def _upload(parse_options: "Callable[[], UploadOptions]") -> int:
    from cloudkeep.client.errors import ClientError
    from cloudkeep.client.uploads.run import run

    try:
        return run(parse_options(), _credentials())
    except ClientError as error:
        sys.stderr.write(f"cloudkeep: {error}\n")
        return error.exit_code


def _options(
    files: list[Path], compress: str | None, max_height: int | None, url: str, parallel: int, *, direct: bool
) -> "UploadOptions":
    from cloudkeep.client.errors import UsageError
    from cloudkeep.client.uploads.run import UploadOptions
    from services.core.urls import base_url

    if parallel not in PARALLEL:
        raise UsageError(f"--parallel must be between {PARALLEL[0]} and {PARALLEL[-1]}, not {parallel}")
    try:
        server = base_url(url)
    except ValueError as error:
        raise UsageError(f"--url: {error}") from error
    return UploadOptions(tuple(files), server, _compression(compress, max_height), parallel, direct)


def _compression(preset: str | None, max_height: int | None) -> "Compression | None":
    from cloudkeep.client.errors import UsageError, printable
    from services.core.errors import InvalidInput
    from services.media.types import Compression, CompressionPreset

    if preset is None:
        if max_height is not None:
            raise UsageError("--max-height only makes sense with --compress")
        return None
    if preset.upper() not in CompressionPreset.__members__:
        known = ", ".join(CompressionPreset)
        raise UsageError(f"--compress must be one of {known}, not {printable(repr(preset))}")
    try:
        return Compression(CompressionPreset(preset.upper()), max_height).validated()
    except InvalidInput as error:
        raise UsageError(f"--max-height: {error}") from error


def _credentials() -> "str | AskCredentials":
    """The token from the environment, or a prompt for user ID and password."""
    from cloudkeep.client.errors import SignInError

    token = os.environ.get("CLOUDKEEP_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise SignInError("CLOUDKEEP_TOKEN does not look like an access token")
    if not token and not sys.stdin.isatty():
        raise SignInError("nobody is signed in: set CLOUDKEEP_TOKEN, or run this in a terminal")
    return token or _prompt


def _prompt() -> tuple[str, str]:
    """Ask for user ID and password on standard error. Raises KeyboardInterrupt at the end of the input."""
    sys.stderr.write("User ID: ")
    sys.stderr.flush()
    user_id = sys.stdin.readline()
    if not user_id:
        raise KeyboardInterrupt
    try:
        return user_id.strip(), getpass("Password: ")
    except EOFError:
        raise KeyboardInterrupt from None
