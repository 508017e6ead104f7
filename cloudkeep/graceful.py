"""uvicorn's server, with an end that costs nobody a request where another process can take over.

What it relies on of uvicorn: ``handle_exit``, ``on_tick``, ``servers``, ``server_state``, and that a connection's
``shutdown`` closes a WebSocket with 1012 (Service Restart), upon which graphql-ws connects again.
"""

import asyncio
import signal
import time
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from cloudkeep.bounded_http import BoundedProtocol
from cloudkeep.draining import Drain
from cloudkeep.heartbeat import beat

#: For requests under way when the process is told to stop; the supervisor waits longer than that.
FINISH_SECONDS = 4
#: The same when a successor is there already, so that nobody waits for it: a chunk may come over a slow line.
FINISH_REPLACED_SECONDS = 60
#: How long idle connections are then kept, for the requests that may be on their way by them.
LINGER_SECONDS = 3.0


class DrainableState(ServerState):
    """What uvicorn shows every connection, and whether the server is about to stop."""

    def __init__(self, drain: Drain) -> None:
        super().__init__()
        self.drain = drain


class GracefulServer(uvicorn.Server):
    """SIGTERM and SIGINT: /readyz says 503 at once, and ``drain_seconds`` later the server stops.

    SIGUSR1: it stops accepting at once, for its successor does, and subscriptions are told to connect again. Whatever
    else is under way, or comes by a connection that is open, is answered.
    """

    def __init__(self, config: uvicorn.Config, drain: Drain, drain_seconds: float, heartbeat: int) -> None:
        super().__init__(config)
        self.server_state = DrainableState(drain)
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._exit_at = float("inf")
        self._heartbeat = heartbeat
        self._beating: asyncio.Task[None] | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Begin to serve, to listen to SIGUSR1, and to send signs of life."""
        await super().startup(sockets)
        self._beating = asyncio.create_task(beat(self._heartbeat))
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.retire)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; the second signal ends that."""
        if self._drain.begun or not self._drain_seconds:
            self._drain.begun = True
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        self._drain.begun = True
        self._exit_at = time.monotonic() + self._drain_seconds

    def retire(self) -> None:
        """Leave what is new to the successor, and end what is under way."""
        if self._drain.begun:
            return
        self._drain.begun = True
        self.config.timeout_graceful_shutdown = FINISH_REPLACED_SECONDS
        self._exit_at = time.monotonic() + LINGER_SECONDS
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.end_stream()
            else:
                connection.shutdown()

    async def on_tick(self, counter: int) -> bool:
        """Whether the time has come."""
        if time.monotonic() >= self._exit_at:
            self.should_exit = True
        return await super().on_tick(counter)
