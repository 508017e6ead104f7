"""The metrics, the line in the access log and the ID of a request."""

import logging
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from cloudkeep.http.instrumentation import InstrumentationMiddleware, request_id_of
from endpoints.routes import ROUTES, Purpose
from services.core.counters import Counters
from tests.cloudkeep.http.test_app import every_route, path_of


async def recorded(path: str, caplog: pytest.LogCaptureFixture) -> tuple[Counters, list[Any]]:
    """The counters and the lines of the access log after a request."""
    caplog.set_level(logging.INFO, "cloudkeep.access")
    counters = Counters()
    app = InstrumentationMiddleware(Response("content"), counters, access_log=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://drive") as http:
        assert (await http.get(path)).text == "content"
    return counters, [record for record in caplog.records if record.name == "cloudkeep.access"]


@every_route
async def test_a_request_is_counted_by_the_purpose_of_its_route(route: Any, caplog: pytest.LogCaptureFixture) -> None:
    counters, _ = await recorded(path_of(route), caplog)
    assert counters.requests == {(route.purpose.value, 2): 1}
    assert list(counters.request_seconds) == [route.purpose.value]
    assert counters.in_flight == 0


@pytest.mark.parametrize("route", [row for row in ROUTES if row.purpose is not Purpose.PROBE], ids=lambda row: row.path)
async def test_the_access_log_shows_the_pattern_of_a_route_in_place_of_its_path(
    route: Any, caplog: pytest.LogCaptureFixture
) -> None:
    _, (line,) = await recorded(path_of(route), caplog)
    assert (line.method, line.route, line.status, line.bytes) == ("GET", route.log_pattern, 200, len("content"))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_are_left_out_of_the_access_log(path: str, caplog: pytest.LogCaptureFixture) -> None:
    assert (await recorded(path, caplog))[1] == []


@pytest.mark.parametrize("path", ["/nothing", "/files", "/uploads/x", "/uploads/x/chunks/0/more", "/graphql/x"])
async def test_a_path_outside_of_the_table_is_other(path: str, caplog: pytest.LogCaptureFixture) -> None:
    counters, (line,) = await recorded(path, caplog)
    assert (dict(counters.requests), line.route) == ({("other", 2): 1}, "other")


def test_a_valid_request_id_is_kept_and_any_other_replaced() -> None:
    assert request_id_of([(b"x-request-id", b"quote-me.1")]) == "quote-me.1"
    for invalid in (b"", b"two words", b"line\nend", b"x" * 65):
        request_id = request_id_of([(b"x-request-id", invalid)])
        assert len(request_id) == 24
        assert request_id != request_id_of([])
