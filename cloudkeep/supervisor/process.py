"""One child process of the supervisor, from its start to its end, and the heartbeats that it sends.

The child sends them over a pipe that it inherits, from its event loop: the first one says that the process is ready,
and when no more come, it hangs.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field

from storage.child_process import dies_with_parent

#: A process is found to stand still after so many looks at its pipe in a row without a sign of life. They are counted,
#: and not the time: while the machine sleeps nobody looks, and after that everybody gets as long as ever.
LOOKS = 30
BEAT_SECONDS = 1.0
#: For a process that stands still to say where, before it is ended by force.
LAST_WORDS_SECONDS = 1.0

_log = logging.getLogger("cloudkeep.supervisor")


@dataclass(frozen=True)
class ProcessSpec:
    """A command to keep running; ``environment`` comes on top of what all children get.

    ``surroundings`` are entered before each process is started, and left when it has ended: what they give comes on top
    of its environment, too.

    With ``patience``, the command gets one more argument: the descriptor of a pipe
    for :func:`send_heartbeats`. Once it has sent a sign of life, it is replaced when it sends none for
    that many seconds. ``retire`` is the signal upon which it ends what is under way, with time, because a successor
    is there.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    surroundings: Callable[[], AbstractContextManager[Mapping[str, str]]] = lambda: nullcontext({})
    patience: float | None = None
    retire: signal.Signals = signal.SIGTERM


async def send_heartbeats(pipe: int) -> None:
    """Send heartbeats for ever, in the child. A supervisor that is gone, or reads none, changes nothing."""
    os.set_blocking(pipe, False)
    while True:
        with suppress(OSError):
            os.write(pipe, b".")
        await asyncio.sleep(BEAT_SECONDS)


class ChildProcess:
    """A running command in a session of its own, with whatever that starts in turn."""

    def __init__(
        self, spec: ProcessSpec, process: asyncio.subprocess.Process, pipe: int | None, held: ExitStack
    ) -> None:
        self._spec = spec
        self._process = process
        self._pipe = pipe
        #: Until it has ended.
        self._held = held
        self._silent_looks = 0
        #: Set with the first sign of life.
        self.ready = asyncio.Event()
        self._watch = asyncio.create_task(self._notice_standstill(spec.patience)) if spec.patience else None
        #: Its exit code, negative for a signal.
        self.end = asyncio.create_task(self._wait())

    @classmethod
    async def begin(cls, spec: ProcessSpec, environment: Mapping[str, str]) -> "ChildProcess":
        """Start the command. It dies with us, even when we are killed with SIGKILL (on Linux). Raises OSError.

        Its own session keeps a terminal's Ctrl-C away from it: the supervisor decides when and in which order to stop.
        """
        with ExitStack() as held, ExitStack() as passed:
            own = held.enter_context(spec.surroundings())
            ours, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if spec.patience else (None, None)
            if ours is not None and theirs is not None:
                held.callback(os.close, ours)
                passed.callback(os.close, theirs)
            process = await asyncio.create_subprocess_exec(
                *spec.command,
                *([str(theirs)] if theirs is not None else []),
                env={**environment, **spec.environment, **own},
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(*spec.pass_fds, *([theirs] if theirs is not None else [])),
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )
            return cls(spec, process, ours, held.pop_all())

    def retire(self) -> None:
        """Have it end, with time for what is under way."""
        self._send(self._spec.retire)

    async def stop(self, grace: float) -> None:
        """Send SIGTERM, and after ``grace`` seconds SIGKILL to everything in its session."""
        self._send(signal.SIGTERM)
        await asyncio.wait({self.end}, timeout=grace)
        self.kill()
        await self.end

    def kill(self) -> None:
        """Send SIGKILL to everything in its session."""
        # Once it has ended, its ID may be somebody else's.
        if not self.end.done():
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def _wait(self) -> int:
        """Wait for its end and sweep up what it left behind in its session."""
        try:
            return await self._process.wait()
        finally:
            self.kill()
            if self._watch:
                self._watch.cancel()
            self._held.close()

    async def _notice_standstill(self, patience: float) -> None:
        while self._silent_looks < LOOKS:
            await asyncio.sleep(patience / LOOKS)
            if self._has_beaten():
                self._silent_looks = 0
                self.ready.set()
            elif self.ready.is_set():
                self._silent_looks += 1
        _log.error("%s stands still; ending it by force", self._spec.name)
        # Python prints where it stands on this one (faulthandler).
        self._send(signal.SIGABRT)
        await asyncio.sleep(LAST_WORDS_SECONDS)
        self.kill()

    def _has_beaten(self) -> bool:
        assert self._pipe is not None
        try:
            return bool(os.read(self._pipe, 4096))
        except BlockingIOError:
            return False
