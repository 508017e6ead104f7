"""Stores new uploads: all of a request in one transaction, which also creates the folders that they name."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from tortoise.exceptions import IntegrityError

from storage.accounts import accounts
from storage.database.bulk import insert_rows
from storage.drive import blobs, uploaded_files
from storage.drive.errors import ItemError
from storage.drive.models import Blob, FileVersion
from storage.drive.tree.destinations import Destination, Destinations, Found
from storage.drive.tree.placing import ConflictPolicy
from storage.drive.uploaded_files import NewFile
from storage.drive.versions import Content
from storage.errors import Duplicate, StateChanged
from storage.jobs import jobs
from storage.uploads import receipts, usage
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus
from storage.uploads.usage import QuotaCheck

#: Returns why an upload is refused; None if it is admitted. It counts those that it has admitted.
Admission: TypeAlias = Callable[[Upload], Exception | None]


@dataclass
class Draft:
    """An upload that is not stored yet, and where its file goes.

    The slots of ``known_chunks`` are filled, except from blobs whose bytes are being deleted. With ``version``, the
    upload needs no bytes: it shares those of a version of the same owner. An empty file without a version has a blob of
    its own, whose key is the ID of the upload.

    ``refusal`` is set when the upload was not stored.
    """

    upload: Upload
    destination: Destination = field(default_factory=Destination)
    known_chunks: Mapping[int, KnownChunk] = field(default_factory=dict)
    version: FileVersion | None = None
    refusal: Exception | None = None

    @property
    def needs_bytes(self) -> bool:
        """Whether bytes have to arrive or to be copied before there is a file."""
        return self.version is None and self.upload.size > 0


async def _admit_all() -> Admission:
    """Admit any upload."""
    return lambda _: None


async def insert_all(
    account_id: UUID,
    drafts: Sequence[Draft],
    now: datetime,
    *,
    quota: int | None = None,
    admit: Callable[[], Awaitable[Admission]] = _admit_all,
) -> None:
    """Store new uploads of an account, which reserve their bytes of its quota.

    If all slots of one are filled, its reassembly is queued; one that needs no bytes has its file at once. ``admit`` is
    called while the account's row is locked. An upload is not stored, and has a refusal, if it is not admitted
    (:class:`storage.errors.OverQuota`, and what ``admit`` returns), or if its file cannot be put into its destination
    (:class:`storage.drive.errors.ItemError`), or if the version whose bytes it shares was deleted
    (:class:`StateChanged`).

    Raises :class:`Duplicate` if an idempotency key or a fingerprint is in use; then nothing is stored.
    """

    initial = [(draft.upload.status, draft.upload.version_id) for draft in drafts]

    def reset() -> None:
        """Forget what a run has set that was rolled back."""
        for draft, (status, version_id) in zip(drafts, initial, strict=True):
            draft.refusal, draft.upload.status, draft.upload.version_id = None, status, version_id

    async def work() -> None:
        reset()
        space = QuotaCheck(await usage.measure(account_id, quota))
        insertion = _Insertion(account_id, now, space, await admit())
        await insertion.run(drafts)

    try:
        await accounts.locked(account_id, work)
    except IntegrityError as error:
        reset()
        raise Duplicate("an idempotency key or a fingerprint is in use") from error


class _Insertion:
    """The work of one transaction."""

    def __init__(self, account_id: UUID, now: datetime, quota: QuotaCheck, admission: Admission) -> None:
        self._account_id = account_id
        self._now = now
        self._quota = quota
        self._admission = admission
        self._destinations = Destinations(account_id, now)

    async def run(self, drafts: Sequence[Draft]) -> None:
        found = await self._find_folders(drafts)
        await self._refuse(drafts, found)
        accepted = [draft for draft in drafts if not draft.refusal]
        for draft in accepted:
            folder_id = self._destinations.create(found[id(draft)])
            draft.upload.parent_id = None if folder_id == self._account_id else folder_id
        await self._destinations.store()
        await self._add_files([draft for draft in accepted if not draft.needs_bytes])
        await self._add_rows(accepted)

    async def _find_folders(self, drafts: Sequence[Draft]) -> dict[int, Found]:
        await self._destinations.load(draft.destination for draft in drafts)
        found: dict[int, Found] = {}
        names: list[tuple[UUID, str]] = []
        for draft in drafts:
            try:
                found[id(draft)] = folder = self._destinations.find(draft.destination)
                self._destinations.plan(folder)
            except ItemError as error:
                draft.refusal = error
                continue
            if not folder.missing and draft.upload.conflict != ConflictPolicy.KEEP_BOTH:
                names.append((folder.folder_id, draft.upload.file_name))
        await self._destinations.read_names(names)
        return found

    async def _refuse(self, drafts: Sequence[Draft], found: Mapping[int, Found]) -> None:
        for draft in drafts:
            draft.refusal = draft.refusal or self._refusal_of_name(draft, found[id(draft)])
        shared = {draft.version.blob_id for draft in drafts if draft.version and not draft.refusal}
        usable = await blobs.use(self._account_id, shared)
        for draft in drafts:
            draft.refusal = draft.refusal or self._refusal_of_bytes(draft, usable)

    def _refusal_of_name(self, draft: Draft, found: Found) -> Exception | None:
        upload = draft.upload
        try:
            self._destinations.require_name(found, upload.file_name, ConflictPolicy(upload.conflict))
        except ItemError as error:
            return error
        return None

    def _refusal_of_bytes(self, draft: Draft, usable: Collection[UUID]) -> Exception | None:
        if draft.version and draft.version.blob_id not in usable:
            return StateChanged("the version was deleted, and its bytes as well")
        if not draft.needs_bytes:
            return None
        return self._quota.refusal(draft.upload.size) or self._admission(draft.upload)

    async def _add_files(self, drafts: Sequence[Draft]) -> None:
        """Store the files of uploads that need no bytes."""
        sources = [draft.version.blob if draft.version else self._empty_blob(draft.upload) for draft in drafts]
        empty = [blob for draft, blob in zip(drafts, sources, strict=True) if not draft.version]
        await blobs.add_originals(self._account_id, empty)
        files = []
        for draft, blob in zip(drafts, sources, strict=True):
            upload, version = draft.upload, draft.version
            content = Content(blob, upload.mime_type, version.media if version else None)
            files.append(NewFile(upload.parent_id, upload.file_name, content, ConflictPolicy(upload.conflict)))
        for draft, stored in zip(drafts, await uploaded_files.add_all(self._account_id, files, self._now), strict=True):
            draft.upload.version_id = stored.id
            draft.upload.status = draft.upload.status_with_file

    def _empty_blob(self, upload: Upload) -> Blob:
        assert upload.sha256
        return Blob(account_id=self._account_id, key=str(upload.id), size=0, sha256=upload.sha256, crc32=0)

    async def _add_rows(self, drafts: Sequence[Draft]) -> None:
        # As soon as receipts name these blobs, their bytes are not deleted.
        named = {chunk.key for draft in drafts for chunk in draft.known_chunks.values()}
        usable = await blobs.usable(named) if named else set()
        for draft in drafts:
            upload, chunks = draft.upload, {i: chunk for i, chunk in draft.known_chunks.items() if chunk.key in usable}
            draft.known_chunks = chunks
            upload.fingerprint = _fingerprint(upload) if draft.needs_bytes else None
            upload.received_chunks = len(chunks)
            upload.received_bytes = upload.known_bytes = sum(chunk.size for chunk in chunks.values())
            if draft.needs_bytes and len(chunks) == upload.chunk_count:
                upload.status = UploadStatus.REASSEMBLING
        await insert_rows([draft.upload for draft in drafts])
        await receipts.add_known({draft.upload.id: draft.known_chunks for draft in drafts})
        for status, kind in JOB_OF_STATUS.items():
            subjects = [draft.upload.id for draft in drafts if draft.upload.status is status]
            await jobs.enqueue_all(kind, subjects, self._now)


def _fingerprint(upload: Upload) -> str | None:
    """A digest that equal requests share, so that the database lets only one of them start an upload.

    It includes the owner, the folder and the policy. None if the client has not sent the file's SHA-256, or
    distinguishes uploads by keys.
    """
    if upload.sha256 is None or upload.idempotency_key is not None:
        return None
    place = [str(upload.account_id), str(upload.parent_id), upload.file_name, upload.conflict]
    identity = [*place, upload.size, upload.sha256, upload.chunk_size, upload.compress]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
