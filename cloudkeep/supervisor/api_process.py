"""The HTTP server of an API process."""

from functools import partial

import uvicorn

from cloudkeep.http.app import create_app
from cloudkeep.server.body_offload import offloading_protocol
from cloudkeep.server.bounded_websocket import BoundedWebSocket
from cloudkeep.server.graceful_server import GracefulServer
from cloudkeep.server.shutdown import Drain
from cloudkeep.settings.preflight import BACKLOG
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.process import send_heartbeats

WS_MAX_SIZE = 2**20  # bytes of one WebSocket message; operations are small
KEEP_ALIVE_SECONDS = 30


def http_server(settings: Settings, heartbeat: int) -> uvicorn.Server:
    """uvicorn with the app, our protocols and a graceful stop; ``heartbeat`` is a pipe.

    Raises :class:`cloudkeep.settings.preflight.StartupError`.
    """
    drain = Drain()
    config = uvicorn.Config(
        create_app(settings, drain),
        loop="uvloop",
        http=offloading_protocol(settings.body_threads),
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
