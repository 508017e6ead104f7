"""A worker's own small HTTP server, for containers: ``/healthz`` and ``/metrics``."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from cloudkeep.server.bounded_http import BoundedProtocol
from cloudkeep.settings.preflight import listening
from cloudkeep.settings.settings import Settings
from cloudkeep.telemetry.metrics import Metrics
from endpoints.health import alive
from endpoints.metrics import metrics_endpoint
from endpoints.routes import HEALTH_PATH, METRICS_PATH


@asynccontextmanager
async def answering(settings: Settings, metrics: Metrics) -> AsyncIterator[None]:
    """Answer on ``WORKER_PORT`` for the block, if there is one.

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
        Starlette(routes=routes),
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Beside(config)
    with listening(settings.host, settings.worker_port, "WORKER_PORT") as listener:
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.wait({serving})


class _Beside(uvicorn.Server):
    """A server that is not what its process is there for: signals are for others."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them as they are."""
        yield
