"""``cloudkeep serve``: one process that starts all others, restarts those that die, and stops them.

Stopping takes at most ten seconds plus ``DRAIN_SECONDS``: seven and a half for the API and the workers, and the rest
for Valkey, which they need until then. On SIGUSR1 (as in Puma, for a phased restart) its children are replaced one
after another, each of them once its successor is ready.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager

from cloudkeep.settings.preflight import REFUSED, StartupError, claimed, listening
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.banner import print_banner, print_stopped, print_stopping, print_when_ready
from cloudkeep.supervisor.process import ProcessSpec
from cloudkeep.supervisor.process_specs import child_environment, server_processes
from cloudkeep.supervisor.restarts import ManagedProcess, ReplacementFailed, StartRefused, restart_forever
from cloudkeep.supervisor.runtime_file import local_url, runtime_file
from cloudkeep.telemetry.metrics import reset_metrics_folder
from storage.redis.valkey import EmbeddedValkey, ValkeyFailed, ValkeyMissing

CHILD_GRACE = 7.5
VALKEY_GRACE = 2.0
#: For a process that was replaced to finish its work; nothing waits for it.
RETIRED_GRACE = 75.0
_log = logging.getLogger("cloudkeep.supervisor")
_KILLED = 128 + signal.SIGINT

#: Takes the settings and the descriptor of the listening socket.
SpecFactory = Callable[[Settings, int], Sequence[ProcessSpec]]


async def supervise(settings: Settings, make_specs: SpecFactory = server_processes) -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP. The exit code: 0 after a clean stop, 2 when the start was refused.

    A refusal is one line on standard error. A second signal ends everything at once, by force.
    """
    supervisor = Supervisor(settings, make_specs)
    serving = asyncio.create_task(supervisor.run())
    signals = 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            print_stopping()
            serving.cancel()
        else:
            supervisor.kill()

    with _handled(on_signal, supervisor.replace_children):
        try:
            await serving
        except StartupError as error:
            sys.stderr.write(f"cloudkeep: {error}\n")
            return REFUSED
        except StartRefused:
            return REFUSED
        except asyncio.CancelledError:
            if not signals:
                raise
    print_stopped()
    return 0 if signals == 1 else _KILLED


class Supervisor:
    """One run of the server, from the first check to the last child's end."""

    def __init__(self, settings: Settings, make_specs: SpecFactory) -> None:
        self._settings = settings
        self._make_specs = make_specs
        self._valkey = None if settings.redis_url else EmbeddedValkey(settings.data_dir)
        self._children: list[ManagedProcess] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._replacing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Run until cancelled. Raises :class:`StartupError` or :class:`StartRefused` when the server cannot start."""
        async with AsyncExitStack() as stack:
            stack.enter_context(claimed(self._settings.data_dir))
            reset_metrics_folder(self._settings.data_dir)
            listener = stack.enter_context(listening(self._settings.host, self._settings.port))
            redis_url = await self._start_valkey(stack)
            print_banner(self._settings)
            specs = self._make_specs(self._settings, listener.fileno())
            self._children = [ManagedProcess(spec, child_environment(redis_url)) for spec in specs]
            stack.push_async_callback(self._stop_children)
            # This runs first. Once no child accepts connections, new ones would wait in the socket and then be reset.
            stack.callback(listener.close)
            stack.enter_context(runtime_file(self._settings.data_dir, local_url(listener)))
            jobs = [print_when_ready(listener), *map(restart_forever, self._processes())]
            self._tasks = [asyncio.create_task(job) for job in jobs]
            await asyncio.gather(*self._tasks)

    def replace_children(self) -> None:
        """Start a rolling restart, unless one is in progress or nothing has been started yet."""
        if self._tasks and (not self._replacing or self._replacing.done()):
            self._replacing = asyncio.create_task(self._replace_children())

    async def _replace_children(self) -> None:
        _log.info("rolling restart: %d processes", len(self._children))
        try:
            for child in self._children:
                await child.replace(RETIRED_GRACE)
        except ReplacementFailed as error:
            _log.error("rolling restart: stopped: %s", error)
        except Exception:
            # Nothing awaits this task that could log the error.
            _log.exception("rolling restart: stopped by an internal error; the old processes go on")
        else:
            _log.info("rolling restart: done")

    def kill(self) -> None:
        """End every process by force; :meth:`run`, which was cancelled before, then ends at once."""
        killed = [process.name for process in self._processes() if process.kill()]
        if killed:
            _log.warning("second signal: killed %s", ", ".join(killed))

    def _processes(self) -> list[ManagedProcess | EmbeddedValkey]:
        return [*([self._valkey] if self._valkey else []), *self._children]

    async def _start_valkey(self, stack: AsyncExitStack) -> str:
        if not self._valkey:
            assert self._settings.redis_url
            return self._settings.redis_url
        stack.push_async_callback(self._valkey.stop, VALKEY_GRACE)
        try:
            await self._valkey.start()
        except ValkeyMissing as error:
            raise StartupError(f"{error}: install one of them or set CLOUDKEEP_REDIS_URL") from None
        except (ValkeyFailed, OSError) as error:
            raise StartupError(f"Valkey cannot be started: {error}") from None
        return self._valkey.url

    async def _stop_children(self) -> None:
        tasks = [*self._tasks, *([self._replacing] if self._replacing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        grace = CHILD_GRACE + self._settings.drain_seconds
        await asyncio.gather(*(child.stop(grace) for child in self._children))


@contextmanager
def _handled(on_signal: Callable[[], None], on_restart: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored under nohup
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, on_signal)
    loop.add_signal_handler(signal.SIGUSR1, on_restart)
    try:
        yield
    finally:
        for number in (*numbers, signal.SIGUSR1):
            loop.remove_signal_handler(number)
