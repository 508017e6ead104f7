"""A sweeper, and uploads for it."""

from typing import Any
from uuid import UUID

import pytest

from services.maintenance.sweeper import Sweeper
from storage.uploads.models import Upload
from tests.services.conftest import Bench, a_file


@pytest.fixture
def sweeper(bench: Bench) -> Sweeper:
    return Sweeper(bench.store, bench.uploads)


async def upload_with(bench: Bench, owner: UUID, **changes: Any) -> Upload:
    """An upload with this row although its staging area exists, as after a crash."""
    upload = await bench.uploads.init(owner, a_file())
    await Upload.filter(id=upload.id).update(**changes)
    return upload


async def sweep_for_ever(sweeper: Sweeper) -> None:
    while True:
        await sweeper.sweep()
