"""The rules that a bucket needs: one to delete abandoned multipart uploads, and one to allow the pages of clients
(CORS).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from storage.blobs.base import MissingRule
from storage.blobs.s3.errors import code_of, translate_errors
from storage.blobs.s3.url import S3Place
from storage.errors import StorageError

NAME = "cloudkeep-abandoned-parts"
#: Error codes for a bucket without this configuration.
NOT_CONFIGURED = frozenset({"NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration"})

Rule = Mapping[str, Any]


class BucketRules:
    """The rules of a bucket."""

    def __init__(self, client: Any, place: S3Place) -> None:
        self._client = client
        self._place = place

    async def missing(self, days: int, origins: Sequence[str]) -> list[MissingRule]:
        """The rules that are missing: parts are deleted after ``days``, and pages of ``origins`` may send chunks."""
        return [*await self._lifecycle(days), *(await self._cors(origins) if origins else [])]

    async def _lifecycle(self, days: int) -> list[MissingRule]:
        aborts_uploads = partial(_aborts_uploads, prefix=self._place.prefix)
        rules = await self._read(self._client.get_bucket_lifecycle_configuration, "Rules")
        abort_rules = list(filter(aborts_uploads, rules))
        if any(_days(rule) >= days for rule in abort_rules) and all(_days(rule) >= days for rule in abort_rules):
            return []
        # Servers that share a bucket each have a rule for their prefix.
        name = "-".join(filter(None, (NAME, self._place.prefix.strip("/"))))
        other_rules = [rule for rule in rules if rule.get("ID") != name]
        if any(0 < _days(rule) < days for rule in filter(aborts_uploads, other_rules)):
            text = f"its lifecycle rule ends multipart uploads sooner than {days} days after they began"
            return [MissingRule("BUCKET_LIFECYCLE", text, None)]
        new_rule = {
            "ID": name,
            "Status": "Enabled",
            "Filter": {"Prefix": self._place.prefix},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
        }

        async def add() -> None:
            with translate_errors():
                await self._client.put_bucket_lifecycle_configuration(
                    Bucket=self._place.bucket, LifecycleConfiguration={"Rules": [*other_rules, new_rule]}
                )
            if not any(map(aborts_uploads, await self._read(self._client.get_bucket_lifecycle_configuration, "Rules"))):
                # MinIO accepts the rule, ignores this part of it, and aborts uploads after a day.
                raise StorageError("the server accepted the rule but did not store it")

        text = f"it has no lifecycle rule AbortIncompleteMultipartUpload of {days} days or more"
        return [MissingRule("BUCKET_LIFECYCLE", text, add)]

    async def _cors(self, origins: Sequence[str]) -> list[MissingRule]:
        rules = await self._read(self._client.get_bucket_cors, "CORSRules")
        missing = [origin for origin in origins if not any(_allows(rule, origin) for rule in rules)]
        if not missing:
            return []
        new_rule = {
            "AllowedOrigins": list(missing),
            "AllowedMethods": ["GET", "HEAD", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3600,
        }

        async def add() -> None:
            with translate_errors():
                await self._client.put_bucket_cors(
                    Bucket=self._place.bucket, CORSConfiguration={"CORSRules": [*rules, new_rule]}
                )

        text = f"pages of {', '.join(missing)} may not PUT chunks and read their ETag (CORS)"
        return [MissingRule("BUCKET_CORS", text, add)]

    async def _read(self, ask: Callable[..., Awaitable[Mapping[str, Any]]], name: str) -> list[Rule]:
        with translate_errors():
            try:
                return list((await ask(Bucket=self._place.bucket)).get(name, []))
            except ClientError as error:
                if code_of(error) in NOT_CONFIGURED:
                    return []
                raise


def _aborts_uploads(rule: Rule, prefix: str) -> bool:
    scope = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    return rule.get("Status") == "Enabled" and _days(rule) > 0 and prefix.startswith(scope or "")


def _days(rule: Rule) -> int:
    return int(rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0))


def _allows(rule: Rule, origin: str) -> bool:
    allowed = rule.get("AllowedOrigins", [])
    return (
        (origin in allowed or "*" in allowed)
        and "PUT" in rule.get("AllowedMethods", [])
        and ("etag" in [header.lower() for header in rule.get("ExposeHeaders", [])])
    )
