"""One child process of the supervisor, from its start to its end, and the heartbeats that it sends.

The child sends them over a pipe that it inherits, from its event loop. While it starts it may say that it is still
starting; the first other heartbeat says that it is ready. A child that sends none for too long hangs, and is killed.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field

from storage.child_process import dies_with_parent, killed_before_exec

#: A process hangs when this many polls of its pipe in a row find no heartbeat. Polls are counted and not seconds: while
#: the machine sleeps nothing is polled, and afterwards every process has its full time again.
MAX_SILENT_POLLS = 30
#: The same before it is ready: loading its code may take long on a busy machine.
MAX_SILENT_POLLS_AT_START = 120
BEAT_SECONDS = 1.0
READY_BEAT = b"."
STARTING_BEAT = b"s"
#: For a process that hangs to print its traceback, before it is killed.
TRACEBACK_SECONDS = 1.0

_log = logging.getLogger("cloudkeep.supervisor")


@dataclass(frozen=True)
class ProcessSpec:
    """A command to keep running. ``environment`` is added to the environment that all children get.

    ``scoped_environment`` is entered before each start of the process, and left when the process has ended. Its value
    is added to the environment as well.

    With a ``heartbeat_timeout`` in seconds, the command gets one more argument: the descriptor of a pipe for
    :func:`send_heartbeats` and :func:`sending_start_beats`. A process without a heartbeat for so long is killed; until
    its first heartbeat, it has four times as long. Without the timeout, a process counts as ready as soon as it runs.
    ``retire_signal`` asks the process to finish its work, because a successor has taken over.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    scoped_environment: Callable[[], AbstractContextManager[Mapping[str, str]]] = lambda: nullcontext({})
    heartbeat_timeout: float | None = None
    retire_signal: signal.Signals = signal.SIGTERM


async def send_heartbeats(pipe: int, beat: bytes = READY_BEAT) -> None:
    """Send heartbeats until cancelled, even if the supervisor has ended or does not read them. The child calls this."""
    os.set_blocking(pipe, False)
    while True:
        with suppress(OSError):
            os.write(pipe, beat)
        await asyncio.sleep(BEAT_SECONDS)


@asynccontextmanager
async def sending_start_beats(pipe: int | None) -> AsyncIterator[None]:
    """Tell the supervisor during the block that this child is still starting, as during a long migration."""
    task = None if pipe is None else asyncio.create_task(send_heartbeats(pipe, STARTING_BEAT))
    try:
        yield
    finally:
        if task:
            task.cancel()


class ChildProcess:
    """A running command in a session of its own, with all processes that it starts."""

    def __init__(
        self, spec: ProcessSpec, process: asyncio.subprocess.Process, pipe: int | None, resources: ExitStack
    ) -> None:
        self._spec = spec
        self._process = process
        self._pipe = pipe
        #: Closed when the process has ended.
        self._resources = resources
        #: Set with the first heartbeat that does not say that the process is still starting.
        self.ready = asyncio.Event()
        self._watchdog: asyncio.Task[None] | None = None
        if spec.heartbeat_timeout:
            self._watchdog = asyncio.create_task(self._watch_heartbeats(spec.heartbeat_timeout / MAX_SILENT_POLLS))
        else:
            self.ready.set()
        #: Done when the process has ended; negative for a signal.
        self.exit_code = asyncio.create_task(self._wait())

    @classmethod
    async def start(cls, spec: ProcessSpec, environment: Mapping[str, str]) -> "ChildProcess":
        """Start the command. It dies with us, even when we are killed with SIGKILL (on Linux). Raises OSError.

        One that never gets to execute its program is killed, and returned like any other that has ended. Its own
        session keeps a terminal's Ctrl-C away from it: the supervisor decides when and in which order to stop.
        """
        with ExitStack() as resources, ExitStack() as inherited:
            scoped = resources.enter_context(spec.scoped_environment())
            read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if spec.heartbeat_timeout else (None, None)
            if read_end is not None and write_end is not None:
                resources.callback(os.close, read_end)
                inherited.callback(os.close, write_end)
            prepare = inherited.enter_context(killed_before_exec(dies_with_parent()))
            process = await asyncio.create_subprocess_exec(
                *spec.command,
                *([str(write_end)] if write_end is not None else []),
                env={**environment, **spec.environment, **scoped},
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(*spec.pass_fds, *([write_end] if write_end is not None else [])),
                start_new_session=True,
                preexec_fn=prepare,
            )
            return cls(spec, process, read_end, resources.pop_all())

    def retire(self) -> None:
        """Tell it to end, with time to finish its work."""
        self._send(self._spec.retire_signal)

    async def stop(self, grace: float) -> None:
        """Send SIGTERM, and after ``grace`` seconds SIGKILL to everything in its session."""
        self._send(signal.SIGTERM)
        await asyncio.wait({self.exit_code}, timeout=grace)
        if not self.exit_code.done():
            _log.warning("%s did not stop within %g s; killing it", self._spec.name, grace)
        self.kill()
        await self.exit_code

    def kill(self) -> None:
        """Send SIGKILL to everything in its session."""
        # Once it has ended, another process may have its ID.
        if not self.exit_code.done():
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def _wait(self) -> int:
        """Wait until the process ends, and then kill the remaining processes of its session."""
        try:
            return await self._process.wait()
        finally:
            self.kill()
            if self._watchdog:
                self._watchdog.cancel()
            self._resources.close()

    async def _watch_heartbeats(self, interval: float) -> None:
        silent_polls = 0
        while silent_polls < self._max_silent_polls():
            await asyncio.sleep(interval)
            beats = self._read_beats()
            silent_polls = 0 if beats else silent_polls + 1
            if READY_BEAT in beats:
                self.ready.set()
        when = "" if self.ready.is_set() else " while it started"
        _log.error("%s hangs: it sent no heartbeat in %d polls%s; killing it", self._spec.name, silent_polls, when)
        # Python prints a traceback upon this one (faulthandler).
        self._send(signal.SIGABRT)
        await asyncio.sleep(TRACEBACK_SECONDS)
        self.kill()

    def _max_silent_polls(self) -> int:
        return MAX_SILENT_POLLS if self.ready.is_set() else MAX_SILENT_POLLS_AT_START

    def _read_beats(self) -> bytes:
        assert self._pipe is not None
        try:
            return os.read(self._pipe, 4096)
        except BlockingIOError:
            return b""
