"""HEAD is answered as GET is, without a body (RFC 9110, section 9.3.2)."""

import httpx
import pytest

from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = "/graphql?query={__typename}"
MUTATION = '/graphql?query=mutation{refreshSession(input:{refreshToken:"x"}){session{accessToken}}}'
SUBSCRIPTION = '/graphql?query=subscription{uploadProgress(uploadId:"x"){cursor}}'
#: They differ from response to response.
VARYING = {"date", "x-request-id", "ratelimit", "content-length"}


def steady(response: httpx.Response) -> dict[str, str]:
    """The headers that two responses to the same request have in common."""
    return {name: value for name, value in response.headers.items() if name not in VARYING}


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/graphql", QUERY, MUTATION, "/nothing"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_every_page_has_the_status_and_the_headers_that_get_has(
    shared: SharedServer, path: str, accept: str
) -> None:
    headers = {"Accept": accept}
    whole = await shared.http.get(path, headers=headers)
    head = await shared.http.head(path, headers=headers)
    assert (head.status_code, head.content, steady(head)) == (whole.status_code, b"", steady(whole))


async def test_the_length_of_a_page_is_that_of_its_body(shared: SharedServer) -> None:
    whole = await shared.http.get("/graphql", headers={"Accept": "text/html"})
    head = await shared.http.head("/graphql", headers={"Accept": "text/html"})
    assert head.headers["Content-Length"] == str(len(whole.content))


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json, text/event-stream"])
async def test_the_head_of_an_event_stream_ends_at_once(shared: SharedServer, accept: str) -> None:
    head = await shared.api.http.head(SUBSCRIPTION, headers={"Accept": accept})
    assert (head.status_code, head.headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")
