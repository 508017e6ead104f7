"""``s3://bucket/prefix?endpoint=…``: the bucket of an S3 store, and its options. Loads no client."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from storage.blobs.slot_locks import SlotLocks
from storage.errors import StorageError

OPTIONS = frozenset({"endpoint", "region", "path_style", "sse", "sse_key", "storage_class"})
SWITCH = {"1": True, "true": True, "0": False, "false": False}
ENCRYPTION = frozenset({"AES256", "aws:kms", "aws:kms:dsse"})


@dataclass(frozen=True)
class S3Options:
    """The options of an S3 store that are not in its URL.

    Without an access key, AWS's usual chain of credentials is used. ``public_endpoint`` is the endpoint for clients, if
    it differs. ``scratch`` is a folder for blobs that a program needs as a file. All processes share ``slot_locks``;
    without them, slots are locked within this process only.
    """

    access_key: str | None = None
    secret_key: str | None = None
    public_endpoint: str | None = None
    scratch: Path | None = None
    slot_locks: SlotLocks | None = None


NO_OPTIONS = S3Options()


class BadUrl(StorageError, ValueError):
    """A URL is not one of an S3 store. ``str(error)`` quotes nothing of it except the name of an option."""


@dataclass(frozen=True)
class S3Place:
    """A bucket, and the parameters that all requests to it share. ``prefix`` is empty or ends with a slash."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    path_style: bool = False
    sse: str | None = None
    sse_key: str | None = None
    storage_class: str | None = None

    def key(self, key: str) -> str:
        """The key in the bucket, with the prefix."""
        return self.prefix + key

    @property
    def creation(self) -> dict[str, str]:
        """Parameters of a new object or multipart upload."""
        parameters = {
            "ServerSideEncryption": self.sse,
            "SSEKMSKeyId": self.sse_key,
            "StorageClass": self.storage_class,
        }
        return {name: value for name, value in parameters.items() if value}


def is_aws(endpoint: str) -> bool:
    """Whether a client at this endpoint speaks to AWS itself."""
    return (urlsplit(endpoint).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))


def parse(url: str) -> S3Place:
    """Parse the URL. Raises :class:`BadUrl`."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.fragment or parts.username is not None:
        raise BadUrl("must be like s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-central-1")
    options = _options(parts)
    prefix = unquote(parts.path).strip("/")
    return S3Place(
        parts.netloc,
        f"{prefix}/" if prefix else "",
        _endpoint(options.get("endpoint")),
        options.get("region"),
        _switch(options.get("path_style", "0")),
        _encryption(options.get("sse")),
        options.get("sse_key"),
        options.get("storage_class"),
    )


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - OPTIONS):
        raise BadUrl(f"has the option {unknown[0]!r}, which is none of {', '.join(sorted(OPTIONS))}")
    return {name: value for name, value in options.items() if value}


def _endpoint(text: str | None) -> str | None:
    parts = urlsplit(text or "")
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None):
        raise BadUrl("has an endpoint that is not like https://s3.example.org")
    return text


def _switch(text: str) -> bool:
    if text.lower() not in SWITCH:
        raise BadUrl("has a path_style that is not 1 or 0")
    return SWITCH[text.lower()]


def _encryption(text: str | None) -> str | None:
    if text and text not in ENCRYPTION:
        raise BadUrl(f"has an sse that is none of {', '.join(sorted(ENCRYPTION))}")
    return text
