"""The HTTP server of an API process."""

import resource
from functools import partial

import uvicorn

from cloudkeep.http.app import create_app
from cloudkeep.http.trusted_proxies import TrustedProxies
from cloudkeep.server.body_offload import offloading_protocol
from cloudkeep.server.bounded_websocket import BoundedWebSocket
from cloudkeep.server.connection_gate import ConnectionGate, max_connections
from cloudkeep.server.graceful_server import GracefulServer
from cloudkeep.server.shutdown import Drain
from cloudkeep.settings.preflight import BACKLOG
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.process import send_heartbeats
from services.core.counters import ConnectionCounters

WS_MAX_SIZE = 2**20  # bytes of one WebSocket message; operations are small
KEEP_ALIVE_SECONDS = 30


def http_server(settings: Settings, heartbeat: int) -> uvicorn.Server:
    """uvicorn with the app, our protocols and a graceful stop; ``heartbeat`` is a pipe.

    Raises :class:`cloudkeep.settings.preflight.StartupError`.
    """
    drain, counters = Drain(), ConnectionCounters()
    total = max_connections(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    is_proxy = TrustedProxies(settings.trusted_proxies).trusts_peer
    gate = ConnectionGate(settings.connections, total, is_proxy, counters)
    config = uvicorn.Config(
        create_app(settings, drain, counters),
        loop="uvloop",
        http=offloading_protocol(settings.body_threads, gate),
        ws=BoundedWebSocket,
        ws_max_size=WS_MAX_SIZE,
        ws_per_message_deflate=False,
        lifespan="on",
        access_log=False,
        log_config=None,  # records go the way of all the others
        log_level="warning",
        proxy_headers=False,  # cloudkeep.http.proxy_headers knows more of them
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    return GracefulServer(config, drain, settings.drain_seconds, partial(send_heartbeats, heartbeat))
