"""Opens a store on S3: its clients, their credentials, and how they address the bucket."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Literal

import aioboto3
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from storage.blobs.s3.bucket import PAGE_SIZE, Bucket
from storage.blobs.s3.signing import Credentials
from storage.blobs.s3.store import S3BlobStore
from storage.blobs.s3.url import NO_OPTIONS, S3Options, S3Place, is_aws, parse
from storage.blobs.slot_locks import PROCESS_LOCKS

#: The way in which URLs name the bucket.
Style = Literal["path", "auto", "virtual"]
#: The limits for requests without file data. All others use :mod:`storage.blobs.s3.connection_pool`.
CONNECTIONS = 32
CONNECT_SECONDS = 5
#: CompleteMultipartUpload may take minutes, but sends white space every few seconds meanwhile.
READ_SECONDS = 60
#: SlowDown, 500, 503, and connections that break, with pauses that double (botocore's mode "standard").
ATTEMPTS = 5


async def open_s3_store(
    url: str, options: S3Options = NO_OPTIONS, reserve: int | None = None, page: int = PAGE_SIZE
) -> S3BlobStore:
    """Open the store behind an ``s3:`` URL. Sends no request yet.

    ``reserve`` bytes of the scratch folder's disk stay free. ``page`` is the page size of listings. Raises
    :class:`storage.blobs.s3.url.BadUrl`.
    """
    place = parse(url)
    session = aioboto3.Session(options.access_key, options.secret_key, region_name=place.region)
    async with AsyncExitStack() as stack:
        client = public = await _client(session, place, place.endpoint, stack)
        if options.public_endpoint:
            public = await _client(session, place, options.public_endpoint, stack)
        bucket = Bucket(client, public, place, partial(_credentials, session), page)
        slot_locks = options.slot_locks or PROCESS_LOCKS
        return S3BlobStore(bucket, slot_locks, options.scratch, reserve, stack.pop_all())
    raise AssertionError


async def _client(session: aioboto3.Session, place: S3Place, endpoint: str | None, stack: AsyncExitStack) -> Any:
    """A client that addresses buckets as its server needs it.

    Its endpoint may also be that of the environment or a profile. For AWS itself, botocore's "auto" would sign URLs for
    the global endpoint. That endpoint never accepts a bucket of a region launched since 2019, and a new one outside
    us-east-1 only after a while (docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html). With "virtual",
    the URL names the region; a name with dots, which no certificate covers, is still in the path.
    """

    async def connect(style: Style) -> Any:
        region, config = place.region or session.region_name or "us-east-1", _config(style)
        return await stack.enter_async_context(
            session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
        )

    client = await connect("path" if place.path_style else "auto")
    return await connect("virtual") if is_aws(client.meta.endpoint_url) and not place.path_style else client


async def _credentials(session: aioboto3.Session) -> Credentials:
    """The current credentials; some are renewed every hour."""
    credentials = await session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    frozen: Credentials = await credentials.get_frozen_credentials()
    return frozen


def _config(style: Style) -> Config:
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": style},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # Servers other than AWS do not know these, and the bytes that matter have a digest of CloudKeep.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
