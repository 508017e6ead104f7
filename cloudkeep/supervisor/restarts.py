"""Child processes of the supervisor: how a dying one comes back, and how one is replaced without a gap."""

import asyncio
import itertools
import logging
import signal
from collections.abc import Mapping
from typing import Protocol

from cloudkeep.settings.preflight import REFUSED
from cloudkeep.supervisor.process import ChildProcess, ProcessSpec
from storage.redis.valkey import ValkeyFailed, ValkeyMissing

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 30.0  # a process that lived that long starts over with the first pause
READY_SECONDS = 60.0  # for a successor to be ready

_log = logging.getLogger("cloudkeep.supervisor")


class Refused(Exception):
    """A child would not start at all, and has said on standard error why. Another try would end the same way."""


class NotReplaced(Exception):
    """The successor was not ready in time, or ended. Whoever was to be replaced goes on."""


class Service(Protocol):
    """A process that can be kept running."""

    @property
    def name(self) -> str:
        """What the log calls it."""

    async def start(self) -> None:
        """Start it, unless it runs."""

    async def wait(self) -> int:
        """Wait for its end. Its exit code, negative for a signal."""


class Child:
    """A :class:`Service` that runs a command, and may replace the process that does."""

    def __init__(self, spec: ProcessSpec, environment: Mapping[str, str]) -> None:
        self.name = spec.name
        self._spec = spec
        self._environment = environment
        self._life: ChildProcess | None = None
        # Held by whoever puts a process in charge: to start one takes a while.
        self._changing = asyncio.Lock()
        self._replaced = asyncio.Event()
        # The one that begins, and those that end what was under way when they were replaced.
        self._others: set[ChildProcess] = set()

    async def start(self) -> None:
        """Start the command, unless it runs. Raises OSError."""
        async with self._changing:
            if not self._life or self._life.end.done():
                self._life = await ChildProcess.begin(self._spec, self._environment)

    async def wait(self) -> int:
        """Wait for the end of the process that is in charge."""
        while True:
            assert self._life
            self._replaced.clear()
            replaced = asyncio.ensure_future(self._replaced.wait())
            await asyncio.wait({self._life.end, replaced}, return_when=asyncio.FIRST_COMPLETED)
            if not replaced.done():
                replaced.cancel()
                return self._life.end.result()

    async def replace(self, grace: float) -> None:
        """Start a successor and, once it is ready, have the present process end within ``grace`` seconds.

        Returns when the successor is in charge. Raises :class:`NotReplaced`.
        """
        if not self._life:
            return
        try:
            successor = await ChildProcess.begin(self._spec, self._environment)
        except OSError as error:
            raise NotReplaced(f"{self.name}: the successor cannot be started ({error})") from None
        self._others.add(successor)
        await self._until_ready(successor)
        async with self._changing:
            old, self._life = self._life, successor
            self._others.discard(successor)
            self._others.add(old)
            self._replaced.set()
        old.retire()
        timer = asyncio.get_running_loop().call_later(grace, old.kill)
        old.end.add_done_callback(lambda _: timer.cancel())
        old.end.add_done_callback(lambda _: self._others.discard(old))

    async def stop(self, grace: float) -> None:
        """End every process, by force after ``grace`` seconds."""
        await asyncio.gather(*(life.stop(grace) for life in self._lives()))

    def kill(self) -> None:
        """End every process by force."""
        for life in self._lives():
            life.kill()

    def _lives(self) -> list[ChildProcess]:
        return [life for life in (self._life, *self._others) if life and not life.end.done()]

    async def _until_ready(self, successor: ChildProcess) -> None:
        ready = asyncio.ensure_future(successor.ready.wait())
        try:
            await asyncio.wait({ready, successor.end}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not successor.ready.is_set() or successor.end.done():
            successor.kill()
            self._others.discard(successor)
            raise NotReplaced(f"{self.name}: the successor was not ready")


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
