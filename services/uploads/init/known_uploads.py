"""Finds the upload that a repeated request has started before."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from services.core.clock import now
from services.core.errors import ExpectedError
from services.uploads.errors import IdempotencyConflict
from services.uploads.init.new_upload import PendingUpload, Place
from services.uploads.lifecycle import expire
from services.uploads.progress.progress import Progress
from storage.blobs import BlobStore
from storage.drive import versions
from storage.drive.models import FileVersion
from storage.drive.tree.destinations import find_existing
from storage.drive.tree.visible import visible_ids
from storage.uploads import uploads as rows
from storage.uploads.models import STORED, Upload, UploadStatus


class KnownUploads:
    """Finds uploads by their idempotency keys, and open ones by their files."""

    def __init__(self, store: BlobStore, progress: Progress) -> None:
        self._store = store
        self._progress = progress

    async def find(self, account_id: UUID, pending: Mapping[int, PendingUpload]) -> dict[int, Upload | ExpectedError]:
        """The uploads that requests have started before, or errors of those whose key belongs to another file."""
        found: dict[int, Upload | ExpectedError] = {}
        by_key = await self._by_key(account_id, pending)
        alike = await self._alike(account_id, pending)
        folders = _Folders(account_id)
        for index, each in pending.items():
            upload = each.draft.upload
            if upload.idempotency_key in by_key:
                existing = by_key[upload.idempotency_key]
                found[index] = existing if await _is_same_file(existing, each, folders) else _conflict()
            for existing in alike.get(upload.sha256 or "", ()) if not upload.idempotency_key else ():
                if await self._is_alike(existing, each, folders):
                    found[index] = existing
                    break
        return found

    async def _by_key(self, account_id: UUID, pending: Mapping[int, PendingUpload]) -> dict[str | None, Upload]:
        keys = [key for each in pending.values() if (key := each.draft.upload.idempotency_key)]
        known = await rows.find_by_keys(account_id, keys) if keys else {}
        gone = await _without_their_file(account_id, [each for each in known.values() if each.status in STORED])
        for upload_id in gone:
            await rows.give_up_key(upload_id)
        return {key: upload for key, upload in known.items() if upload.id not in gone}

    async def _alike(self, account_id: UUID, pending: Mapping[int, PendingUpload]) -> dict[str, list[Upload]]:
        uploads = [each.draft.upload for each in pending.values()]
        digests = {upload.sha256 for upload in uploads if upload.sha256 and not upload.idempotency_key}
        found: dict[str, list[Upload]] = {}
        for upload in await rows.open_alike(account_id, digests) if digests else ():
            found.setdefault(str(upload.sha256), []).append(upload)
        return found

    async def _is_alike(self, existing: Upload, pending: PendingUpload, folders: "_Folders") -> bool:
        if not _has_same_content(existing, pending) or await folders.of(pending) != _folder_id(existing):
            return False
        if existing.status is UploadStatus.RECEIVING and existing.expires_at < now():
            await expire(existing, self._store, self._progress)
            return False
        chunk_size, compress = pending.request.chunk_size, pending.request.compress
        same_slots = chunk_size in {None, existing.chunk_size}
        return same_slots and (compress is None or existing.compress == compress.to_json())


async def _without_their_file(account_id: UUID, stored: Sequence[Upload]) -> set[UUID]:
    """Those of these uploads whose file is not there any more: it was deleted, trashed, moved or replaced.

    If a client sends such a file again, it has to be there again, not only in the trash.
    """
    found = await versions.find_many({each.version_id for each in stored if each.version_id}) if stored else {}
    visible = await visible_ids(account_id, {version.item_id for version in found.values()})
    return {each.id for each in stored if not _is_there(each, found.get(each.version_id or each.id), visible)}


def _is_there(upload: Upload, version: FileVersion | None, visible: Collection[UUID]) -> bool:
    if version is None or version.item_id not in visible:
        return False
    return (version.item.version_id, version.item.parent_id) == (version.id, _folder_id(upload))


def same_request(
    outcome: Upload | ExpectedError, first: PendingUpload, repeated: PendingUpload
) -> Upload | ExpectedError:
    """The outcome of a request with the idempotency key, or the file, of the first one of the same call.

    Nobody can have moved a folder between the two, so that they must name the same one.
    """
    if isinstance(outcome, ExpectedError):
        return outcome
    return outcome if first.place == repeated.place and _has_same_content(outcome, repeated) else _conflict()


def _has_same_content(existing: Upload, pending: PendingUpload) -> bool:
    upload = pending.draft.upload
    return (existing.file_name, existing.size, existing.sha256, existing.conflict) == (
        upload.file_name,
        upload.size,
        upload.sha256,
        upload.conflict,
    )


async def _is_same_file(existing: Upload, pending: PendingUpload, folders: "_Folders") -> bool:
    """Whether an idempotency key is used for the same file, in the same folder.

    The folder of the first request may have been moved or renamed since: then its path leads nowhere.
    """
    return _has_same_content(existing, pending) and await folders.of(pending) in {None, _folder_id(existing)}


def _folder_id(existing: Upload) -> UUID:
    return existing.parent_id or existing.account_id


class _Folders:
    """The folders of requests. Each place is looked up once: most files of a call have the same few."""

    def __init__(self, account_id: UUID) -> None:
        self._account_id = account_id
        self._found: dict[Place, UUID | None] = {}

    async def of(self, pending: PendingUpload) -> UUID | None:
        """The folder that a request names; None unless all of it exists."""
        if pending.place not in self._found:
            self._found[pending.place] = await find_existing(self._account_id, pending.draft.destination)
        return self._found[pending.place]


def _conflict() -> ExpectedError:
    return IdempotencyConflict("This idempotency key belongs to another file.", field="idempotencyKey")
