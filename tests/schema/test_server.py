"""The query `server`."""

import pytest

from cloudkeep import __version__
from tests.support.server import Api
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_server_query_needs_no_sign_in(shared: SharedServer) -> None:
    server = await Api(shared.http).data("{ server { version maxFileSize features } }")
    assert server == {
        "version": __version__,
        "maxFileSize": shared.settings.max_file_size,
        "features": ["COMPRESSION"],
    }
