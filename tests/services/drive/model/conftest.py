"""The services of a drive."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from storage.blobs import LocalBlobStore
from tests.services.drive.model.drive import Drive, open_drive
from tests.services.drive.model.lowered import lowered_limits


@pytest.fixture
async def drive(
    database: str, store: LocalBlobStore, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Drive]:
    """Services of which each example uses an account of its own."""
    lowered_limits(monkeypatch)
    async with open_drive(uuid4(), store, redis_url, tmp_path) as opened:
        yield opened
