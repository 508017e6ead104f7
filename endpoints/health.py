"""``/healthz``: whether the process runs. ``/readyz``: whether it can serve requests, and what is degraded."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from endpoints.problems import problem
from endpoints.state import services_of
from services.core.errors import ErrorCode


async def alive(_: Request) -> Response:
    """Respond. A process that hangs does not."""
    return JSONResponse({"status": "ok"})


def readiness_endpoint(is_stopping: Callable[[], bool]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint. A process that is about to stop is alive but not ready, so that load balancers use another one."""

    async def ready(request: Request) -> Response:
        if is_stopping():
            return _not_ready("stopping")
        missing, degraded = await services_of(request).health.condition()
        if missing:
            return _not_ready(*missing, *degraded)
        return JSONResponse({"status": "ready", **({"degraded": degraded} if degraded else {})})

    return ready


def _not_ready(*reasons: str) -> Response:
    return problem(503, ErrorCode.NOT_READY.value, f"Not ready: {', '.join(reasons)}.", {"Retry-After": "1"})
