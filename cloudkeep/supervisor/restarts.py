"""Restarts child processes that have ended, and replaces running ones without a gap."""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from typing import Protocol

from cloudkeep.settings.preflight import REFUSED
from cloudkeep.supervisor.process import ChildProcess, ProcessSpec
from storage.child_process import describe_end
from storage.redis.valkey import ValkeyFailed, ValkeyMissing

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 30.0  # a process that ran this long starts again with the first pause

_log = logging.getLogger("cloudkeep.supervisor")


class StartRefused(Exception):
    """A process refused to start and wrote the reason to standard error. A restart would end the same way."""


class ReplacementFailed(Exception):
    """The successor cannot be started, or has ended before it was ready. The old process goes on serving."""


class Restartable(Protocol):
    """A process that can be restarted."""

    @property
    def name(self) -> str:
        """Its name in the log."""

    async def start(self) -> None:
        """Start it, unless it runs."""

    async def wait(self) -> int:
        """Wait for its end. Its exit code, negative for a signal."""


class ManagedProcess:
    """A :class:`Restartable` that runs a command, and can replace its process by a new one."""

    def __init__(self, spec: ProcessSpec, environment: Mapping[str, str]) -> None:
        self.name = spec.name
        self._spec = spec
        self._environment = environment
        self._current: ChildProcess | None = None
        # Held while the current process is being replaced, because starting one takes a while.
        self._changing = asyncio.Lock()
        self._replaced = asyncio.Event()
        # A successor that is starting, and processes that finish their work after they were replaced.
        self._others: set[ChildProcess] = set()

    async def start(self) -> None:
        """Start the command, unless it runs. Raises OSError."""
        async with self._changing:
            if not self._current or self._current.exit_code.done():
                self._current = await ChildProcess.start(self._spec, self._environment)

    async def wait(self) -> int:
        """Wait for the end of the current process."""
        while True:
            assert self._current
            self._replaced.clear()
            replaced = asyncio.ensure_future(self._replaced.wait())
            await asyncio.wait({self._current.exit_code, replaced}, return_when=asyncio.FIRST_COMPLETED)
            if not replaced.done():
                replaced.cancel()
                return self._current.exit_code.result()

    async def replace(self, grace: float) -> None:
        """Start a successor and, once it is ready, have the current process end within ``grace`` seconds.

        Returns when the successor has taken over. Raises :class:`ReplacementFailed`.
        """
        if not self._current:
            return
        try:
            successor = await ChildProcess.start(self._spec, self._environment)
        except OSError as error:
            raise ReplacementFailed(f"{self.name}: the successor cannot be started ({error})") from None
        self._others.add(successor)
        await self._until_ready(successor)
        async with self._changing:
            predecessor, self._current = self._current, successor
            self._others.discard(successor)
            self._others.add(predecessor)
            self._replaced.set()
        predecessor.retire()
        timer = asyncio.get_running_loop().call_later(grace, predecessor.kill)
        predecessor.exit_code.add_done_callback(lambda _: timer.cancel())
        predecessor.exit_code.add_done_callback(lambda _: self._others.discard(predecessor))

    async def stop(self, grace: float) -> None:
        """End every process, by force after ``grace`` seconds."""
        await asyncio.gather(*(process.stop(grace) for process in self._running()))

    def kill(self) -> bool:
        """End every process by force. Whether there was one."""
        running = self._running()
        for process in running:
            process.kill()
        return bool(running)

    def _running(self) -> list[ChildProcess]:
        processes = (self._current, *self._others)
        return [process for process in processes if process and not process.exit_code.done()]

    async def _until_ready(self, successor: ChildProcess) -> None:
        """Wait until the successor is ready or has ended. Its own watchdog kills one that hangs."""
        ready = asyncio.ensure_future(successor.ready.wait())
        try:
            await asyncio.wait({ready, successor.exit_code}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if successor.exit_code.done():
            self._others.discard(successor)
            end = describe_end(successor.exit_code.result())
            raise ReplacementFailed(f"{self.name}: the successor {end} before it was ready; the old process stays")


async def restart_forever(process: Restartable) -> None:
    """Start a process, and restart it whenever it ends, with growing pauses, until cancelled.

    Raises :class:`StartRefused` when its very first run ends with exit code 2.
    """
    clock = asyncio.get_running_loop().time
    pause = FIRST_PAUSE
    for run in itertools.count():
        started = clock()
        code, end = await _run_once(process)
        if run == 0 and code == REFUSED:
            raise StartRefused(process.name)
        if clock() - started >= STEADY_SECONDS:
            pause = FIRST_PAUSE
        _log.warning("%s %s; starting it again in %g s", process.name, end, pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _run_once(process: Restartable) -> tuple[int | None, str]:
    try:
        await process.start()
    except (OSError, ValkeyFailed, ValkeyMissing) as error:
        return None, f"cannot be started ({error})"
    code = await process.wait()
    return code, describe_end(code)
