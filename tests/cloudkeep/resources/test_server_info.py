"""What a server says about itself if its settings allow more than it can do."""

import httpx
import pytest

from cloudkeep.settings.settings import Settings
from tests.support.server import Api


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The same, with a limit above what fits into 10,000 chunks of 95 MiB."""
    return settings.model_copy(update={"max_file_size": 2**50})


async def test_the_largest_file_fits_into_its_chunks(http: httpx.AsyncClient) -> None:
    assert (await Api(http).data("{ server { maxFileSize } }"))["maxFileSize"] == 95 * 2**20 * 10_000
