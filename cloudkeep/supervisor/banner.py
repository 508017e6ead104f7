"""The lines that ``cloudkeep serve`` prints for the operator on standard output."""

import asyncio
import logging
import socket
import sys
from contextlib import suppress

from cloudkeep import __version__
from cloudkeep.settings.parsers import reachable_host
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.readiness import check_readiness

_REMINDER_SECONDS = 10.0  # between two log lines that say why the server is not ready
_POLL_SECONDS = 0.1

_log = logging.getLogger("cloudkeep.supervisor")


def print_banner(settings: Settings) -> None:
    """Print where everything is."""
    lines = [
        f"CloudKeep {__version__}, starting at {settings.public_url}",
        f"GraphiQL: {settings.public_url}/graphql",
        f"Data: {settings.data_dir}",
    ]
    if settings.mail_url == "console:":
        lines.insert(2, "Mail is printed here (set CLOUDKEEP_MAIL_URL to send it).")
    _print(lines)


def print_stopping() -> None:
    """In a terminal, print below its ``^C`` that the server is stopping: a stop may take seconds."""
    if sys.stdout.isatty():
        _print(["", "Stopping ..."])


def print_stopped() -> None:
    """Print that the server and all its processes have stopped."""
    _print(["CloudKeep has stopped."])


async def print_when_ready(listener: socket.socket) -> None:
    """Print ``Ready.`` once ``/readyz`` reports that nothing is missing. Until then, log regularly what is missing."""
    host, port = listener.getsockname()[:2]
    clock = asyncio.get_running_loop().time
    reminder = clock() + _REMINDER_SECONDS
    while not (readiness := await check_readiness(reachable_host(host), port)).is_whole:
        if clock() >= reminder:
            _log.warning("not ready yet: %s", readiness.line or "no answer")
            reminder = clock() + _REMINDER_SECONDS
        await asyncio.sleep(_POLL_SECONDS)
    _print([readiness.line])


def _print(lines: list[str]) -> None:
    """Print lines at once. A reader that has gone away stops nothing."""
    with suppress(OSError):
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
