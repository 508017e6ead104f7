"""What ``cloudkeep serve`` tells the operator on standard output."""

import asyncio
import logging
import socket
import sys
from contextlib import suppress

from cloudkeep import __version__
from cloudkeep.settings import Settings
from cloudkeep.values import reachable

_PATIENCE = 10.0  # seconds between two reminders that the server is not ready
_ANSWER_SECONDS = 5.0
_POLL_SECONDS = 0.1

_log = logging.getLogger("cloudkeep.supervisor")


def say(*lines: str) -> None:
    """Print lines at once. A reader that has gone away stops nothing."""
    with suppress(OSError):
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


def banner(settings: Settings) -> list[str]:
    """The first lines: where everything is."""
    lines = [
        f"CloudKeep {__version__}, starting at {settings.public_url}",
        f"GraphiQL: {settings.public_url}/graphql",
        f"Data: {settings.data_dir}",
    ]
    if settings.mail_url == "console:":
        lines.insert(2, "Mail is printed here (set CLOUDKEEP_MAIL_URL to send it).")
    return lines


async def announce_ready(listener: socket.socket) -> None:
    """Print ``Ready.`` once ``/readyz`` answers 200; until then, log now and then what is missing."""
    host, port = listener.getsockname()[:2]
    clock = asyncio.get_running_loop().time
    reminder = clock() + _PATIENCE
    while (missing := await what_is_missing(reachable(host), port)) is not None:
        if clock() >= reminder:
            _log.warning("not ready yet: %s", missing or "no answer")
            reminder = clock() + _PATIENCE
        await asyncio.sleep(_POLL_SECONDS)
    say("Ready.")


async def what_is_missing(host: str, port: int) -> str | None:
    """Ask ``/readyz``: None for 200, else its answer. Spoken by hand, as loading an HTTP client takes half a second."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = await reader.read(4096)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""
    head, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    return None if head.startswith("HTTP/1.1 200 ") else body
