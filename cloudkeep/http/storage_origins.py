"""The origins of an S3 that browsers speak to themselves."""

import os
from urllib.parse import urlsplit

from cloudkeep.settings.settings import Settings
from cloudkeep.settings.types import Downloads
from storage.blobs.s3.url import S3Place, parse


def storage_origins(settings: Settings) -> tuple[str, ...]:
    """Empty unless uploads go straight to S3, or downloads are redirected there."""
    is_used = settings.direct_uploads or settings.downloads is Downloads.REDIRECT
    if not is_used or not settings.blob_url.startswith("s3:"):
        return ()
    place = parse(settings.blob_url)
    endpoint = urlsplit(settings.s3_public_endpoint or place.endpoint or _aws(place))
    # Signed URLs have the bucket in the path or before the host.
    return tuple(f"{endpoint.scheme}://{host}" for host in (endpoint.netloc, f"{place.bucket}.{endpoint.netloc}"))


def _aws(place: S3Place) -> str:
    region = place.region or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"https://s3.{region}.amazonaws.com"
