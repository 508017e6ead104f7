"""uvicorn's server, with an end that costs nobody a request where another process can take over.

What it relies on of uvicorn: ``handle_exit``, ``on_tick``, ``servers``, ``server_state``, that ``shutdown`` waits by
``_wait_tasks_to_complete`` and goes on when that raises TimeoutError, and that a connection's ``shutdown`` closes a
WebSocket with 1012 (Service Restart), upon which graphql-ws connects again.
"""

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from cloudkeep.server.bounded_http import BoundedProtocol
from cloudkeep.server.listener_drain import bar, is_readable, unbar
from cloudkeep.server.shutdown import Drain

#: For requests under way when the process is told to stop; the supervisor waits longer than that.
FINISH_SECONDS = 4
#: The same when a successor is there already, so that nobody waits for it: a chunk may come over a slow line.
FINISH_REPLACED_SECONDS = 60
#: How long idle connections are then kept, for the requests that may be on their way by them.
LINGER_SECONDS = 3.0
#: The same after a drain, in which connections that are in use were closed with an answer.
LINGER_DRAINED_SECONDS = 1.0
#: For connections that have begun when no new one is let in any more: one way over the longest line, and a little.
SETTLE_SECONDS = 0.3
#: For what is cut off after that to open its slots again, and to say so to its clients.
LAST_ANSWERS_SECONDS = 1
NEVER = float("inf")


class DrainableState(ServerState):
    """What uvicorn shows every connection, and whether the server is about to stop."""

    def __init__(self, drain: Drain) -> None:
        super().__init__()
        self.drain = drain


class GracefulServer(uvicorn.Server):
    """SIGTERM and SIGINT: /readyz says 503 at once; ``drain_seconds`` later nobody new is let in, and the server stops.

    SIGUSR1: it stops accepting at once, for its successor does, and subscriptions are told to connect again. Whatever
    else is under way, or comes by a connection that is open, is answered. SIGTERM and SIGINT leave it as little time
    for that as any other server.

    ``heartbeat`` runs in the background for as long as the server does.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Drain,
        drain_seconds: float,
        heartbeat: Callable[[], Coroutine[Any, Any, object]],
    ) -> None:
        super().__init__(config)
        self.server_state = DrainableState(drain)
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._bar_at = self._close_at = self._exit_at = NEVER
        self._finish_seconds = FINISH_SECONDS
        #: While the server waits for what is under way.
        self._patience: asyncio.Timeout | None = None
        self._heartbeat = heartbeat
        self._heartbeat_task: asyncio.Task[object] | None = None
        self._listeners: Sequence[socket.socket] = ()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, to listen to SIGUSR1, and to send signs of life."""
        self._listeners = sockets or ()
        # One that was told to stop by somebody else than the supervisor has barred the socket for its successor, too.
        for listener in self._listeners:
            unbar(listener)
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._heartbeat_task = asyncio.create_task(self._heartbeat())
        self._loop.add_signal_handler(signal.SIGUSR1, self.retire)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; the second signal ends that. The supervisor waits no longer for one that was replaced."""
        if self._finish_seconds != FINISH_SECONDS:
            self._finish_seconds = FINISH_SECONDS
            # Any line of the loop may be interrupted by this one.
            self._loop.call_soon_threadsafe(self._hurry)
        if self._drain.begun or not self._drain_seconds:
            self._drain.begun = True
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        self._drain.begun = True
        self._bar_at = time.monotonic() + self._drain_seconds

    def retire(self) -> None:
        """Leave what is new to the successor, and end what is under way."""
        if self._drain.begun:
            return
        self._drain.begun = True
        self._finish_seconds = FINISH_REPLACED_SECONDS
        self._stop_accepting(LINGER_SECONDS)

    async def on_tick(self, counter: int) -> bool:
        """Take the next step when its time has come. Whether it was the last one."""
        now = time.monotonic()
        if now >= self._bar_at:
            self._bar_at, self._close_at = NEVER, now + SETTLE_SECONDS
            for listener in self._listeners:
                bar(listener)
        elif now >= self._close_at and not any(is_readable(each.fileno()) for each in self._listeners):
            self._close_at = NEVER
            self._stop_accepting(LINGER_DRAINED_SECONDS)
        elif now >= self._exit_at or (self._exit_at < NEVER and not self.server_state.connections):
            self.should_exit = True
        return await super().on_tick(counter)

    async def _wait_tasks_to_complete(self) -> None:
        """Wait for what is under way, and cut it off after a while; ``cloudkeep.server.shutdown`` then answers."""
        try:
            async with asyncio.timeout(self._finish_seconds) as self._patience:
                await super()._wait_tasks_to_complete()
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
            async with asyncio.timeout(LAST_ANSWERS_SECONDS):
                await super()._wait_tasks_to_complete()
        finally:
            self._patience = None

    def _hurry(self) -> None:
        if self._patience and not self._patience.expired():
            self._patience.reschedule(self._loop.time() + self._finish_seconds)

    def _stop_accepting(self, linger: float) -> None:
        self._exit_at = time.monotonic() + linger
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.end_stream()
            else:
                connection.shutdown()
