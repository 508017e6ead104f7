"""What a server tells everyone about itself."""

import httpx

from cloudkeep import __version__
from cloudkeep.settings.settings import Settings
from tests.support.server import Api

SERVER = "{ server { version maxFileSize features registration trashTtl } }"


async def test_a_server_says_what_clients_may_expect_of_it_without_a_sign_in(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    server = await Api(http).data(SERVER)
    assert server == {
        "version": __version__,
        "maxFileSize": settings.max_file_size,
        "features": ["COMPRESSION"],
        "registration": "OPEN",
        "trashTtl": 30 * 24 * 60 * 60,
    }
