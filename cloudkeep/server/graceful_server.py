"""uvicorn's server, with a graceful stop: no request is lost where another process can take over.

What this relies on in uvicorn: ``handle_exit``, ``on_tick``, ``servers``, ``server_state``, that ``shutdown`` waits in
``_wait_tasks_to_complete`` and goes on when that raises TimeoutError, and that a connection's ``shutdown`` closes a
WebSocket with 1012 (Service Restart), upon which graphql-ws connects again.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from cloudkeep.server.bounded_http import BoundedProtocol
from cloudkeep.server.listener_drain import allow_new_connections, block_new_connections, is_readable
from cloudkeep.server.shutdown import Drain

#: The time for requests in progress after the signal to stop. The supervisor waits longer than that.
FINISH_SECONDS = 4
#: This time if a successor has taken over: nothing waits for the process, and chunks may arrive over slow connections.
FINISH_REPLACED_SECONDS = 60
#: The time for which idle connections are kept afterwards, for requests that are already in the network.
LINGER_SECONDS = 3.0
#: This time after a drain, during which connections in use were closed with their responses.
LINGER_DRAINED_SECONDS = 1.0
#: The wait for connections that clients started before new ones were blocked: a little more than the longest latency.
SETTLE_SECONDS = 0.3
#: The time for cancelled requests to open their slots again, and to respond to their clients.
CANCELLED_SECONDS = 1
NEVER = float("inf")
#: Connections that are accepted in one turn of the event loop. Each takes about 0.1 ms.
ACCEPTED_PER_TURN = 32


class DrainableState(ServerState):
    """The state that uvicorn shares with every connection, and whether the server is about to stop."""

    def __init__(self, drain: Drain) -> None:
        super().__init__()
        self.drain = drain


class GracefulServer(uvicorn.Server):
    """SIGTERM and SIGINT: /readyz says 503 at once; ``drain_seconds`` later new connections are refused, and it stops.

    SIGUSR1: it stops accepting at once, because its successor accepts, and subscriptions are asked to reconnect. All
    other requests that are in progress, or arrive by an open connection, are answered. After SIGTERM or SIGINT
    they get no more time than in any other server.

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
        self._block_at = self._close_at = self._exit_at = NEVER
        self._finish_seconds = FINISH_SECONDS
        #: While the server waits for requests in progress.
        self._finish_timeout: asyncio.Timeout | None = None
        self._heartbeat = heartbeat
        self._heartbeat_task: asyncio.Task[object] | None = None
        self._listeners: Sequence[socket.socket] = ()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, to handle SIGUSR1, and to send heartbeats."""
        self._listeners = sockets or ()
        # A process that was not stopped by the supervisor has blocked the shared socket for its successor, too.
        for listener in self._listeners:
            allow_new_connections(listener)
        await super().startup(sockets and [*sockets, *more_listeners(sockets)])
        self._loop = asyncio.get_running_loop()
        self._heartbeat_task = asyncio.create_task(self._heartbeat())
        self._loop.add_signal_handler(signal.SIGUSR1, self.retire)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to drain; a second signal ends that. The supervisor waits no longer for a process that was replaced."""
        if self._finish_seconds != FINISH_SECONDS:
            self._finish_seconds = FINISH_SECONDS
            # A signal may interrupt the loop anywhere.
            self._loop.call_soon_threadsafe(self._shorten_finish)
        if self._drain.started or not self._drain_seconds:
            self._drain.started = True
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        self._drain.started = True
        self._block_at = time.monotonic() + self._drain_seconds

    def retire(self) -> None:
        """Leave new connections to the successor, and finish requests in progress."""
        if self._drain.started:
            return
        self._drain.started = True
        self._finish_seconds = FINISH_REPLACED_SECONDS
        self._stop_accepting(LINGER_SECONDS)

    async def on_tick(self, counter: int) -> bool:
        """Take the next step of the stop when its time has come. Returns whether to exit."""
        now = time.monotonic()
        if now >= self._block_at:
            self._block_at, self._close_at = NEVER, now + SETTLE_SECONDS
            for listener in self._listeners:
                block_new_connections(listener)
        elif now >= self._close_at and not any(is_readable(each.fileno()) for each in self._listeners):
            self._close_at = NEVER
            self._stop_accepting(LINGER_DRAINED_SECONDS)
        elif now >= self._exit_at or (self._exit_at < NEVER and not self.server_state.connections):
            self.should_exit = True
        return await super().on_tick(counter)

    async def _wait_tasks_to_complete(self) -> None:
        """Wait for requests in progress, then cancel them; ``cloudkeep.server.shutdown`` responds to those."""
        try:
            async with asyncio.timeout(self._finish_seconds) as self._finish_timeout:
                await super()._wait_tasks_to_complete()
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
            async with asyncio.timeout(CANCELLED_SECONDS):
                await super()._wait_tasks_to_complete()
        finally:
            self._finish_timeout = None

    def _shorten_finish(self) -> None:
        if self._finish_timeout and not self._finish_timeout.expired():
            self._finish_timeout.reschedule(self._loop.time() + self._finish_seconds)

    def _stop_accepting(self, linger: float) -> None:
        self._exit_at = time.monotonic() + linger
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.end_stream()
            else:
                connection.shutdown()


def more_listeners(listeners: Sequence[socket.socket]) -> list[socket.socket]:
    """Duplicates of listening sockets, for as many connections as are to be accepted in one turn.

    libuv accepts a single connection by each descriptor in a turn. So after a crowd had connected, another client would
    wait for as many turns as there are connections before its own.
    """
    return [_duplicate(listener) for listener in listeners for _ in range(ACCEPTED_PER_TURN - 1)]


def _duplicate(listener: socket.socket) -> socket.socket:
    """A duplicate that leaves the socket non-blocking, which :meth:`socket.socket.dup` does not.

    That mode belongs to the socket, not to the descriptor. Any other process that shares it would block in its next
    ``accept``, and with it all of its clients, until someone else connects.
    """
    return socket.socket(listener.family, listener.type, listener.proto, fileno=os.dup(listener.fileno()))
