"""The check whether a server is ready."""

from cloudkeep.supervisor.readiness import check_readiness
from tests.support.process import free_port


async def test_a_server_that_does_not_respond_is_not_ready() -> None:
    assert await check_readiness("127.0.0.1", free_port()) == (False, False, "")
