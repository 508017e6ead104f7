"""What ``cloudkeep doctor`` can find."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """The kinds of inconsistency."""

    BLOB_MISSING = "BLOB_MISSING"
    BLOB_SIZE = "BLOB_SIZE"
    BLOB_ADOPTABLE = "BLOB_ADOPTABLE"
    BLOB_ORPHAN = "BLOB_ORPHAN"
    BLOB_QUARANTINED = "BLOB_QUARANTINED"
    BLOB_RELEASED = "BLOB_RELEASED"
    BLOB_UNKNOWN = "BLOB_UNKNOWN"
    BLOB_UNUSED = "BLOB_UNUSED"
    FILE_ADOPTABLE = "FILE_ADOPTABLE"
    ITEM_LOST = "ITEM_LOST"
    ITEM_VERSION = "ITEM_VERSION"
    RECORD_MISSING = "RECORD_MISSING"
    STAGING_DEAD = "STAGING_DEAD"
    STAGING_MISSING = "STAGING_MISSING"
    STAGING_UNKNOWN = "STAGING_UNKNOWN"
    JOB_MISSING = "JOB_MISSING"
    UPLOAD_FULL = "UPLOAD_FULL"
    USAGE = "USAGE"
    BUCKET_RULES = "BUCKET_RULES"
    BUCKET_LIFECYCLE = "BUCKET_LIFECYCLE"
    BUCKET_CORS = "BUCKET_CORS"
    CLOCK = "CLOCK"
    SEARCH_INDEX = "SEARCH_INDEX"


@dataclass(frozen=True)
class Finding:
    """An inconsistency of ``subject``, a key or an ID. ``mended`` tells whether it was repaired."""

    code: Code
    subject: str
    text: str
    mended: str | None = None


Findings = AsyncGenerator[Finding, None]
