"""``/healthz``: the process runs. ``/readyz``: it can do its work."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from endpoints.problems import problem
from endpoints.state import services_of
from services.errors import ErrorCode


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    missing = await services_of(request).health.missing()
    if not missing:
        return JSONResponse({"status": "ready"})
    return problem(503, ErrorCode.NOT_READY.value, f"Not ready: {', '.join(missing)}.", {"Retry-After": "1"})


def health_routes() -> list[Route]:
    """Both routes."""
    return [Route("/healthz", _alive), Route("/readyz", _ready)]
