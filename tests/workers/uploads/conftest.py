"""Stores on a real S3."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from storage.blobs.s3.factory import open_s3_store
from storage.blobs.s3.store import S3BlobStore
from storage.blobs.s3.url import S3Options
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.workers.uploads.s3_uploads import Open, Unheld, with_store
from workers.job_context import JobContext


@pytest.fixture
async def opened(s3: S3Server, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens independent stores on the same place, which list one item per page."""
    first = await open_s3_store(
        s3.url(s3.new_place()), S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path, slot_locks=Unheld()), page=1
    )
    made = [first]

    def one() -> S3BlobStore:
        # Only the client is shared, because it takes a second to create.
        made.append(S3BlobStore(first.bucket, Unheld(), tmp_path, None, AsyncExitStack()))
        return made[-1]

    yield one
    for each in reversed(made):
        await each.close()


@pytest.fixture
def on_s3(context: JobContext, opened: Open) -> JobContext:
    """The resources of a worker with a store on S3."""
    return with_store(context, opened())
