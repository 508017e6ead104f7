"""The audits of the GraphQL over HTTP specification, from npm's graphql-http."""

import pytest

from tests.clients.conftest import Npm
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The number of audits in graphql-http 1.23.
AUDITS = 61


async def test_every_audit_of_graphql_over_http_is_passed(shared: SharedServer, clients: Npm) -> None:
    results = await clients.run("audits.js", f"{shared.url}/graphql")
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
