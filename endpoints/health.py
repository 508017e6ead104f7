"""``/healthz``: the process runs. ``/readyz``: it can do its work."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from endpoints.problems import problem
from endpoints.state import services_of
from services.errors import ErrorCode


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def health_routes(is_stopping: Callable[[], bool]) -> list[Route]:
    """Both routes. A process that is about to stop is alive, but not ready: others are to be asked."""

    async def ready(request: Request) -> Response:
        missing = ["stopping"] if is_stopping() else await services_of(request).health.missing()
        if not missing:
            return JSONResponse({"status": "ready"})
        return problem(503, ErrorCode.NOT_READY.value, f"Not ready: {', '.join(missing)}.", {"Retry-After": "1"})

    return [Route("/healthz", _alive), Route("/readyz", ready)]
