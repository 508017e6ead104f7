"""Opening a store on S3."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import aioboto3
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from storage.blobs.s3.bucket import MOST_LISTED, Bucket
from storage.blobs.s3.signing import Keys
from storage.blobs.s3.store import S3BlobStore
from storage.blobs.s3.url import S3Place, is_aws, parse
from storage.blobs.slot_locks import PROCESS_LOCKS, SlotLocks

#: How a bucket's name goes into URLs.
Style = Literal["path", "auto", "virtual"]
#: Of requests that carry no file's bytes. Those that do go by :mod:`storage.blobs.s3.connection_pool`.
CONNECTIONS = 32
CONNECT_SECONDS = 5
#: CompleteMultipartUpload may take minutes, but says something every few seconds meanwhile.
READ_SECONDS = 60
#: SlowDown, 500, 503, and connections that break, with pauses that double (botocore's mode "standard").
ATTEMPTS = 5


@dataclass(frozen=True)
class S3Keys:
    """Whose bucket it is; without an access key, the usual chain of AWS is asked. ``public_endpoint`` is where clients
    reach S3, where that is another address than ours.
    """

    access_key: str | None = None
    secret_key: str | None = None
    public_endpoint: str | None = None


async def open_s3(
    url: str,
    keys: S3Keys | None = None,
    scratch: Path | None = None,
    reserve: int | None = None,
    slot_locks: SlotLocks | None = None,
    page: int = MOST_LISTED,
) -> S3BlobStore:
    """Open the store behind an ``s3:`` URL. Nothing is asked of the bucket yet.

    ``scratch`` is where blobs go for programs that need a file. ``page`` is how many things one answer lists. Raises
    :class:`storage.blobs.s3.url.BadUrl`.
    """
    place, keys = parse(url), keys or S3Keys()
    session = aioboto3.Session(keys.access_key, keys.secret_key, region_name=place.region)
    async with AsyncExitStack() as stack:
        client = await _client(session, place, place.endpoint, stack)
        public = client
        if keys.public_endpoint:
            public = await _client(session, place, keys.public_endpoint, stack)
        bucket = Bucket(client, public, place, partial(_credentials, session), page)
        return S3BlobStore(bucket, slot_locks or PROCESS_LOCKS, scratch, reserve, stack.pop_all())
    raise AssertionError


async def _client(session: aioboto3.Session, place: S3Place, endpoint: str | None, stack: AsyncExitStack) -> Any:
    """A client that names buckets as its server wants it. Its endpoint may also be the environment's or a profile's.

    For AWS itself not botocore's "auto", which signs URLs for the global endpoint: that takes a bucket of a region
    launched since 2019 never, and a new one of any but us-east-1 only after a while
    (docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html). With "virtual" it names the region, and still
    keeps a name with dots, which no certificate covers, in the path.
    """

    async def made(style: Style) -> Any:
        region, config = place.region or session.region_name or "us-east-1", _config(style)
        return await stack.enter_async_context(
            session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
        )

    client = await made("path" if place.path_style else "auto")
    return await made("virtual") if is_aws(client.meta.endpoint_url) and not place.path_style else client


async def _credentials(session: aioboto3.Session) -> Keys:
    """What to sign with now; some of them are renewed every hour."""
    known = await session.get_credentials()
    if known is None:
        raise NoCredentialsError
    keys: Keys = await known.get_frozen_credentials()
    return keys


def _config(style: Style) -> Config:
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": style},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # Others than AWS do not know these, and what matters has a digest of ours.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
