"""What ``cloudkeep serve`` tells the operator on standard output."""

import asyncio
import json
import logging
import socket
import sys
from contextlib import suppress
from typing import NamedTuple

from cloudkeep import __version__
from cloudkeep.settings.parsers import reachable_host
from cloudkeep.settings.settings import Settings

_PATIENCE = 10.0  # seconds between two reminders that the server is not ready
_ANSWER_SECONDS = 5.0
_POLL_SECONDS = 0.1

_log = logging.getLogger("cloudkeep.supervisor")


class Readiness(NamedTuple):
    """Whether requests may come, whether nothing at all is away, and a line about it; empty where nobody answers."""

    is_ready: bool
    is_whole: bool
    line: str


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
    """Print ``Ready.`` once ``/readyz`` says that nothing is away; until then, log now and then what is."""
    host, port = listener.getsockname()[:2]
    clock = asyncio.get_running_loop().time
    reminder = clock() + _PATIENCE
    while not (found := await readiness(reachable_host(host), port)).is_whole:
        if clock() >= reminder:
            _log.warning("still waiting: %s", found.line or "no answer")
            reminder = clock() + _PATIENCE
        await asyncio.sleep(_POLL_SECONDS)
    say(found.line)


async def readiness(host: str, port: int) -> Readiness:
    """Ask ``/readyz``. Spoken by hand, as loading an HTTP client takes half a second."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return Readiness(False, False, "")
    head, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    return _understood(head.startswith("HTTP/1.1 200 "), body)


def _understood(is_ready: bool, body: str) -> Readiness:
    told = {}
    with suppress(ValueError, TypeError):
        told = dict(json.loads(body))
    if not is_ready:
        return Readiness(False, False, str(told.get("detail", "")))
    degraded = ", ".join(map(str, told.get("degraded", ())))
    return Readiness(True, not degraded, f"Ready, but degraded: {degraded}." if degraded else "Ready.")
