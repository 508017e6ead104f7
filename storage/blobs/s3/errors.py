"""Translates the errors of S3, and of connections to it, into those of the contract."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from storage.errors import BlobNotFound, NoSpace, StagingLost, StorageError, StoreRefused, StoreUnavailable

GONE = frozenset({"NoSuchKey", "NotFound", "404"})
NO_UPLOAD = "NoSuchUpload"
#: Errors of CompleteMultipartUpload for a part that is missing, or has another ETag, or is too small.
TOO_SMALL = "EntityTooSmall"
REFUSED_PARTS = frozenset({"InvalidPart", "InvalidPartOrder", TOO_SMALL})
FULL = frozenset({"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage"})
#: Errors that only an operator can correct; the work continues after that.
NO_BUCKET = "NoSuchBucket"
CREDENTIALS = frozenset(
    {
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
    }
)
#: The bucket is in another region. A redirect means the same.
WRONG_REGION = frozenset(
    {"AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "IllegalLocationConstraintException"}
)
#: Prefix of the errors of the service that has the encryption keys of objects.
KEY_SERVICE = "KMS."
#: A response to HEAD has no body, so S3 reports expired credentials with this status alone.
BARE = "400"
#: Some servers implement only a part of S3; a retry does not change that.
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
    """The error of the contract for a refusal."""
    if code == NO_UPLOAD:
        return StagingLost("there is no such multipart upload")
    if code in FULL or status == 507:
        return NoSpace("the bucket is full")
    if code in CREDENTIALS or code == BARE or code.startswith(KEY_SERVICE) or status == 403:
        return StoreRefused(f"S3 does not accept the credentials, or their permissions: {code or status}")
    if code in WRONG_REGION or 300 <= status < 400:
        return StoreUnavailable(f"the bucket is in another region or at another address: {code or status}")
    if code == NO_BUCKET or code in BUSY or status in {408, 429} or (status >= 500 and status != NOT_IMPLEMENTED):
        return StoreUnavailable(f"S3 answered {code or status}")
    if code in GONE or status == 404:
        return BlobNotFound("no such object")
    return StorageError(f"S3 refused: {code or status}")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the errors of the contract instead of the client's. No message has a URL, because it may be signed."""
    try:
        yield
    except ClientError as error:
        raise refusal(code_of(error), status_of(error)) from error
    except NoCredentialsError:
        raise StoreRefused("there are no credentials for S3") from None
    except BotoCoreError as error:
        raise StoreUnavailable(f"S3 cannot be reached: {type(error).__name__}") from None
