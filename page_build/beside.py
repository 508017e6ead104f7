"""Builds the page in the background, for as long as a server runs: ``make run``."""

import os
import signal
import threading
import time
from contextlib import suppress

from page_build.build import build
from page_build.messages import STARTED, build_failed, say
from page_build.process import BuildFailed

_POLL_SECONDS = 0.3
#: The server comes first.
_NICENESS = 10


def build_beside(server: int) -> int:
    """Build while the process ``server`` runs, and say in a line when it begins and ends. The exit code."""
    os.nice(_NICENESS)
    threading.Thread(target=_stop_with, args=(server,), daemon=True).start()
    try:
        if build(lambda: say(STARTED)):
            say(f"The page is there: {_url()}")
    except BuildFailed as error:
        say(build_failed(error))
        return 1
    return 0


def _stop_with(server: int) -> None:
    """Interrupt this process when the server has ended."""
    with suppress(ProcessLookupError):
        while True:
            os.kill(server, 0)
            time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGINT)


def _url() -> str:
    """The address of the server, which has the same settings."""
    from cloudkeep.settings.settings import SettingsOfExistingServer

    return SettingsOfExistingServer().public_url
