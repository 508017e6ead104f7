"""``/healthz``: the process runs. ``/readyz``: requests may come, and what is away that they can do without."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from endpoints.problems import problem
from endpoints.state import services_of
from services.core.errors import ErrorCode


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _not_ready(*why: str) -> Response:
    return problem(503, ErrorCode.NOT_READY.value, f"Not ready: {', '.join(why)}.", {"Retry-After": "1"})


def health_routes(is_stopping: Callable[[], bool]) -> list[Route]:
    """Both routes. A process that is about to stop is alive, but not ready: others are to be asked."""

    async def ready(request: Request) -> Response:
        if is_stopping():
            return _not_ready("stopping")
        missing, degraded = await services_of(request).health.condition()
        if missing:
            return _not_ready(*missing, *degraded)
        return JSONResponse({"status": "ready", **({"degraded": degraded} if degraded else {})})

    return [Route("/healthz", _alive), Route("/readyz", ready)]
