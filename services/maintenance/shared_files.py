"""Finds files that share the bytes of another file, and that the database lacks because it is an older copy.

A file that its owner already had was never sent: it has a record, but no blob of its own.
"""

from services.core.clock import now
from services.maintenance.findings import Code, Finding, Findings
from services.maintenance.garbage import batches, owner_of_key
from services.maintenance.unclaimed import new_row
from services.uploads.published_record import PublishedRecord, read_record
from storage.blobs import BlobStore
from storage.deletion import collection
from storage.drive import versions
from storage.drive.models import FileVersion
from storage.drive.tree.destinations import Destination
from storage.errors import Duplicate
from storage.uploads import consistency, new_uploads
from storage.uploads.new_uploads import Draft


class SharedFiles:
    """Examines every record whose upload has no row; with ``mend`` it also stores the file."""

    def __init__(self, store: BlobStore, *, mend: bool) -> None:
        self._store = store
        self._mend = mend

    async def examine(self) -> Findings:
        """A finding for each file that its owner lacks."""
        async for batch in batches(self._store.records.all_keys()):
            owners = {key: owner for key in batch if (owner := owner_of_key(key))}
            existing = await consistency.find_uploads(owners.values())
            obsolete = await collection.are_obsolete(owners)
            for key, owner in owners.items():
                if owner not in existing and key not in obsolete and (finding := await self._judge(key)):
                    yield finding

    async def _judge(self, key: str) -> Finding | None:
        record = await read_record(self._store, key)
        if not record or not record.is_shared:
            return None
        # Only a file of the same account: a record must not give an account the bytes of another.
        version = await versions.find_same(record.account_id, record.size, record.sha256)
        if not version:
            return None
        mended = await self._restore(record, version) if self._mend else None
        text = f"the file {record.file_name!r}, which the database lacks, shares the bytes of {version.item.name!r}"
        return Finding(Code.FILE_ADOPTABLE, key, text, mended)

    async def _restore(self, record: PublishedRecord, version: FileVersion) -> str | None:
        # If its folder is gone, the file comes into the root.
        for parent_id in (record.parent_id, None):
            draft = Draft(new_row(record), Destination(parent_id), version=version)
            try:
                await new_uploads.insert_all(record.account_id, [draft], now())
            except Duplicate:
                return None
            if not draft.refusal:
                return "adopted"
        return None
