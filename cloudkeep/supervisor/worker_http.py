"""A worker's own small HTTP server, for containers: ``/healthz`` and ``/metrics``."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from cloudkeep.http.allowed_hosts import AllowedHosts
from cloudkeep.http.host_check import HostCheck
from cloudkeep.server.body_offload import offloading_protocol
from cloudkeep.server.connection_gate import ConnectionGate
from cloudkeep.settings.preflight import listening
from cloudkeep.settings.settings import Settings
from cloudkeep.telemetry.metrics import Metrics
from endpoints.health import alive
from endpoints.metrics import metrics_endpoint
from endpoints.routes import HEALTH_PATH, METRICS_PATH

#: Connections that are open at once. A worker answers a few probes and one or two Prometheus servers.
CONNECTIONS = 64


@asynccontextmanager
async def serve_worker_http(settings: Settings, metrics: Metrics) -> AsyncIterator[None]:
    """Serve on ``WORKER_PORT`` for the block, if it is set.

    Raises :class:`cloudkeep.settings.preflight.StartupError`.
    """
    if settings.worker_port is None:
        yield
        return
    routes = [
        Route(HEALTH_PATH, alive),
        Route(METRICS_PATH, metrics_endpoint(metrics.exposition, settings.metrics_networks)),
    ]
    config = uvicorn.Config(
        HostCheck(Starlette(routes=routes), AllowedHosts(settings.public_url, settings.allowed_hosts)),
        http=offloading_protocol(0, ConnectionGate(total=CONNECTIONS)),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _SecondaryServer(config)
    with listening(settings.host, settings.worker_port, "WORKER_PORT") as listener:
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.wait({serving})


class _SecondaryServer(uvicorn.Server):
    """A server that leaves signals to the main task of its process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
