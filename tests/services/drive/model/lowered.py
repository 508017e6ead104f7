"""The limits of the product, so low that a few commands reach them."""

from pathlib import Path

import pytest

from services.core import pacing
from storage.deletion import items, purging
from storage.drive.tree import chains as tree
from storage.drive.tree import changes, copying, destinations
from storage.uploads import small_files
from tests.services.drive.model.tree import MAX_DEPTH
from workers.job_context import JobContext
from workers.media import compress

#: What encoders make of every file here.
RENDITION = b"smaller"


def lowered_limits(patch: pytest.MonkeyPatch) -> None:
    """Nest folders in a few levels only, delete little at once, and encode without an encoder."""
    for module in (changes, copying, destinations, tree):
        patch.setattr(module, "MAX_DEPTH", MAX_DEPTH)
    patch.setattr(items, "AT_ONCE", 3)
    patch.setattr(items, "STEPS_AT_ONCE", 1)
    patch.setattr(items, "BATCH", 2)
    patch.setattr(purging, "MOST_VERSIONS", 2)
    patch.setattr(items, "MOST_VERSIONS", 2)
    patch.setattr(pacing, "LEAST_PAUSE", 0.0)
    # The model takes one job at a time. Groups have tests of their own.
    patch.setattr(small_files, "MAX_FILES", 0)
    patch.setattr(compress, "_encode", _encode)


async def _encode(job: object, upload: object, version: object, target: Path, context: JobContext) -> None:
    target.write_bytes(RENDITION)
