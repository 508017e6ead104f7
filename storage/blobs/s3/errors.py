"""What S3 and the way to it answer, in the contract's terms."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from storage.errors import BlobNotFound, NoSpace, StagingLost, StorageError, StoreRefused, StoreUnavailable

GONE = frozenset({"NoSuchKey", "NotFound", "404"})
NO_UPLOAD = "NoSuchUpload"
#: CompleteMultipartUpload says this of a part that it does not have, or not with this ETag, or that is too small.
TOO_SMALL = "EntityTooSmall"
REFUSED_PARTS = frozenset({"InvalidPart", "InvalidPartOrder", TOO_SMALL})
FULL = frozenset({"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage"})
#: Neither is anything that whoever waits for bytes can change; an operator can, and then the work goes on.
NO_BUCKET = "NoSuchBucket"
KEYS = frozenset(
    {
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
    }
)
#: The bucket is in another region, as a redirect says it, too.
ELSEWHERE = frozenset(
    {"AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "IllegalLocationConstraintException"}
)
#: Of the service that keeps the keys which objects are encrypted with.
KEY_SERVICE = "KMS."
#: An answer to HEAD has no body: S3 says no more of keys that have expired than this.
BARE = "400"
#: Not everybody who speaks the language of S3 knows all of it, and will not tomorrow.
NOT_IMPLEMENTED = 501
BUSY = frozenset({"SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "InternalError", "ServiceUnavailable"})


def code_of(error: ClientError) -> str:
    """S3's own code of a refusal."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status of a refusal."""
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    return int(metadata.get("HTTPStatusCode", 0))


def refusal(code: str, status: int) -> StorageError:
    """The error that a refusal stands for."""
    if code == NO_UPLOAD:
        return StagingLost("there is no such multipart upload")
    if code in FULL or status == 507:
        return NoSpace("the bucket is full")
    if code in KEYS or code == BARE or code.startswith(KEY_SERVICE) or status == 403:
        return StoreRefused(f"S3 does not accept the keys, or what they may do: {code or status}")
    if code in ELSEWHERE or 300 <= status < 400:
        return StoreUnavailable(f"S3 has the bucket in another region or at another address: {code or status}")
    if code == NO_BUCKET or code in BUSY or status in {408, 429} or (status >= 500 and status != NOT_IMPLEMENTED):
        return StoreUnavailable(f"S3 answered {code or status}")
    if code in GONE or status == 404:
        return BlobNotFound("no such object")
    return StorageError(f"S3 refused: {code or status}")


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into the contract's. No message holds a URL: it may be signed."""
    try:
        yield
    except ClientError as error:
        raise refusal(code_of(error), status_of(error)) from error
    except NoCredentialsError:
        raise StoreRefused("there are no keys for S3") from None
    except BotoCoreError as error:
        raise StoreUnavailable(f"S3 cannot be reached: {type(error).__name__}") from None
