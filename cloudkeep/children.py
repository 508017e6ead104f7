"""Child processes of the supervisor: how one is started and ended, and how a dying one comes back."""

import asyncio
import itertools
import logging
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from cloudkeep.startup import REFUSED
from storage.child import dies_with_parent
from storage.valkey import ValkeyFailed, ValkeyMissing

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 30.0  # a process that lived that long starts over with the first pause

_log = logging.getLogger("cloudkeep.supervisor")


class Refused(Exception):
    """A child would not start at all, and has said on standard error why. Another try would end the same way."""


class Service(Protocol):
    """A process that can be kept running."""

    @property
    def name(self) -> str:
        """What the log calls it."""

    async def start(self) -> None:
        """Start it, unless it runs."""

    async def wait(self) -> int:
        """Wait for its end. Its exit code, negative for a signal."""


@dataclass(frozen=True)
class ChildSpec:
    """A command to keep running; ``environment`` comes on top of what all children get."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    #: Called with the process ID of each process that has ended.
    on_end: Callable[[int], None] = lambda _: None


class Child:
    """A :class:`Service` that runs a command in a session of its own, with whatever that starts in turn."""

    def __init__(self, spec: ChildSpec, environment: Mapping[str, str]) -> None:
        self.name = spec.name
        self._spec = spec
        self._environment = {**environment, **spec.environment}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the command. It dies with us, even when we are killed with SIGKILL (on Linux).

        Its own session keeps a terminal's Ctrl-C away from it: the supervisor decides when and in which order to stop.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self._spec.command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=self._spec.pass_fds,
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )

    async def wait(self) -> int:
        """Wait for its end and sweep up what it left behind in its session."""
        assert self._process
        code = await self._process.wait()
        self.kill()
        self._spec.on_end(self._process.pid)
        return code

    async def stop(self, grace: float) -> None:
        """Send SIGTERM, and after ``grace`` seconds SIGKILL to everything in its session."""
        if not self._process:
            return
        if self._process.returncode is None:
            self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace)
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """Send SIGKILL to everything in its session."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


async def keep_running(service: Service) -> None:
    """Start a service, and again whenever it ends, with growing pauses, until cancelled.

    Raises :class:`Refused` when its very first life ends with exit code 2.
    """
    clock = asyncio.get_running_loop().time
    pause = FIRST_PAUSE
    for life in itertools.count():
        started = clock()
        code, end = await _live(service)
        if life == 0 and code == REFUSED:
            raise Refused(service.name)
        if clock() - started >= STEADY_SECONDS:
            pause = FIRST_PAUSE
        _log.warning("%s %s; starting it again in %g s", service.name, end, pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _live(service: Service) -> tuple[int | None, str]:
    try:
        await service.start()
    except (OSError, ValkeyFailed, ValkeyMissing) as error:
        return None, f"cannot be started ({error})"
    code = await service.wait()
    return code, f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
