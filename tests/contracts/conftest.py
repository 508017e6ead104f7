"""Every implementation of every contract, as a fixture."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from storage.attempt_delays import AttemptDelays
from storage.blobs import BlobStore
from storage.progress_stream import EventLog
from storage.token_buckets import BucketStore
from tests.contracts import blob_backends, bucket_backends, delay_backends, event_backends
from tests.contracts.blob_backends import BlobBackend
from tests.contracts.event_backends import LogBackend
from tests.support.backends.s3 import S3Server


@pytest.fixture(params=range(len(blob_backends.BACKENDS)), ids=[each.__name__ for each in blob_backends.BACKENDS])
async def blob_backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobBackend]:
    """A blob store for one test, with its faults."""

    def server() -> S3Server:
        running: S3Server = request.getfixturevalue("s3")
        return running

    async with blob_backends.BACKENDS[request.param](tmp_path, server) as opened:
        yield opened


@pytest.fixture
def blob_store(blob_backend: BlobBackend) -> BlobStore:
    """A blob store for one test."""
    return blob_backend.store


@pytest.fixture
def key() -> str:
    """The key of a blob that does not exist yet."""
    return str(uuid4())


@pytest.fixture(params=range(len(event_backends.BACKENDS)), ids=[each.__name__ for each in event_backends.BACKENDS])
async def log_backend(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LogBackend]:
    """An event log for one test, with its faults."""
    monkeypatch.setattr("storage.progress_stream.redis.RETRY_SECONDS", 0.05)
    async with event_backends.BACKENDS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def log(log_backend: LogBackend) -> EventLog:
    """An event log for one test."""
    return log_backend.log


@pytest.fixture(params=range(len(bucket_backends.BACKENDS)), ids=[each.__name__ for each in bucket_backends.BACKENDS])
async def buckets(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BucketStore]:
    """Token buckets for one test."""
    async with bucket_backends.BACKENDS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture(params=range(len(delay_backends.BACKENDS)), ids=[each.__name__ for each in delay_backends.BACKENDS])
async def delays(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AttemptDelays]:
    """Delays of attempts for one test."""
    async with delay_backends.BACKENDS[request.param](tmp_path) as opened:
        yield opened
