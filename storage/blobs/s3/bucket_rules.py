"""What a bucket has to be told once: to throw away what nobody ends, and whose pages may fill slots."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from storage.blobs.base import MissingRule
from storage.blobs.s3.errors import code_of, translated
from storage.blobs.s3.url import S3Place
from storage.errors import StorageError

NAME = "cloudkeep-abandoned-parts"
#: What a bucket without such a configuration answers.
NONE_YET = frozenset({"NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration"})

Rule = Mapping[str, Any]


class Rules:
    """The rules of a bucket."""

    def __init__(self, client: Any, place: S3Place) -> None:
        self._client = client
        self._place = place

    async def missing(self, days: int, origins: Sequence[str]) -> list[MissingRule]:
        """Those that are not there: parts may go after ``days``; pages of ``origins`` send chunks straight here."""
        return [*await self._lifecycle(days), *(await self._cors(origins) if origins else [])]

    async def _lifecycle(self, days: int) -> list[MissingRule]:
        ends_uploads = partial(_ends_uploads, prefix=self._place.prefix)
        there = await self._read(self._client.get_bucket_lifecycle_configuration, "Rules")
        ends = list(filter(ends_uploads, there))
        if any(_days(rule) >= days for rule in ends) and all(_days(rule) >= days for rule in ends):
            return []
        # Of several servers that share a bucket each has a rule for its prefix.
        name = "-".join(filter(None, (NAME, self._place.prefix.strip("/"))))
        others = [rule for rule in there if rule.get("ID") != name]
        if any(0 < _days(rule) < days for rule in filter(ends_uploads, others)):
            text = f"its lifecycle rule ends multipart uploads sooner than {days} days after they began"
            return [MissingRule("BUCKET_LIFECYCLE", text, None)]
        ours = {
            "ID": name,
            "Status": "Enabled",
            "Filter": {"Prefix": self._place.prefix},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
        }

        async def add() -> None:
            with translated():
                await self._client.put_bucket_lifecycle_configuration(
                    Bucket=self._place.bucket, LifecycleConfiguration={"Rules": [*others, ours]}
                )
            if not any(map(ends_uploads, await self._read(self._client.get_bucket_lifecycle_configuration, "Rules"))):
                # MinIO takes the rule, forgets this part of it, and ends what began a day ago.
                raise StorageError("the server took it and did not keep it")

        text = f"it has no lifecycle rule AbortIncompleteMultipartUpload of {days} days or more"
        return [MissingRule("BUCKET_LIFECYCLE", text, add)]

    async def _cors(self, origins: Sequence[str]) -> list[MissingRule]:
        there = await self._read(self._client.get_bucket_cors, "CORSRules")
        lacking = [origin for origin in origins if not any(_lets_in(rule, origin) for rule in there)]
        if not lacking:
            return []
        ours = {
            "AllowedOrigins": list(lacking),
            "AllowedMethods": ["GET", "HEAD", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3600,
        }

        async def add() -> None:
            with translated():
                await self._client.put_bucket_cors(
                    Bucket=self._place.bucket, CORSConfiguration={"CORSRules": [*there, ours]}
                )

        text = f"pages of {', '.join(lacking)} may not PUT chunks and read their ETag (CORS)"
        return [MissingRule("BUCKET_CORS", text, add)]

    async def _read(self, ask: Callable[..., Awaitable[Mapping[str, Any]]], name: str) -> list[Rule]:
        with translated():
            try:
                return list((await ask(Bucket=self._place.bucket)).get(name, []))
            except ClientError as error:
                if code_of(error) in NONE_YET:
                    return []
                raise


def _ends_uploads(rule: Rule, prefix: str) -> bool:
    scope = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    return rule.get("Status") == "Enabled" and _days(rule) > 0 and prefix.startswith(scope or "")


def _days(rule: Rule) -> int:
    return int(rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0))


def _lets_in(rule: Rule, origin: str) -> bool:
    allowed = rule.get("AllowedOrigins", [])
    return (
        (origin in allowed or "*" in allowed)
        and "PUT" in rule.get("AllowedMethods", [])
        and ("etag" in [header.lower() for header in rule.get("ExposeHeaders", [])])
    )
