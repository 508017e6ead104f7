"""Starts uploads, or finds the same upload, the same file, or some of its chunks.

It searches only files and chunks of the same account. A wider search would reveal which accounts have which bytes.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import ExpectedError
from services.drive.errors import TooManyItems
from services.drive.item_allowance import ItemAllowance
from services.uploads.errors import UploadClosed
from services.uploads.init.known_uploads import KnownUploads, same_request
from services.uploads.init.new_upload import PendingUpload, UploadPolicy, build_upload
from services.uploads.init.ready_uploads import ReadyUploads, with_one_empty_file
from services.uploads.init.refusals import refusal_of
from services.uploads.init.reservations import Reservations
from services.uploads.progress.progress import Progress
from services.uploads.types import NewUpload
from storage.blobs import BlobStore
from storage.errors import Duplicate, NoSpace, StateChanged
from storage.jobs.job_notifications import JobNotifications
from storage.uploads import known_chunks, new_uploads, usage
from storage.uploads.models import JOB_OF_STATUS, Upload
from storage.uploads.new_uploads import Draft
from storage.uploads.usage import QuotaCheck

#: Attempts without any success to store uploads whose keys, or whose bytes, other requests change at the same moment.
ATTEMPTS = 4

Outcome = Upload | ExpectedError


class UploadInitializer:
    """Starts uploads, or finds the uploads that requests ask for."""

    def __init__(
        self,
        store: BlobStore,
        progress: Progress,
        notifications: JobNotifications,
        policy: UploadPolicy,
        allowance: ItemAllowance,
        counters: Counters,
    ) -> None:
        self._store = store
        self._notifications = notifications
        self._policy = policy
        self._counters = counters
        self._reservations = Reservations(store, policy)
        self._known = KnownUploads(store, progress)
        self._ready = ReadyUploads(store)
        self._allowance = allowance

    async def init(self, account_id: UUID, request: NewUpload) -> Upload:
        """See :meth:`services.uploads.uploads.Uploads.init`."""
        (outcome,) = await self.init_all(account_id, [request])
        if isinstance(outcome, ExpectedError):
            raise outcome
        return outcome

    async def init_all(self, account_id: UUID, requests: Sequence[NewUpload]) -> list[Outcome]:
        """See :meth:`services.uploads.uploads.Uploads.init_all`."""
        outcomes: dict[int, Outcome] = {}
        pending: dict[int, PendingUpload] = {}
        for index, request in enumerate(requests):
            try:
                pending[index] = build_upload(account_id, request, self._policy, self._store)
            except ExpectedError as error:
                outcomes[index] = error
        repeated = _repeated(pending)
        rest = {index: each for index, each in pending.items() if index not in repeated}
        failures = 0
        while rest and failures < ATTEMPTS:
            found = await self._attempt(account_id, rest)
            failures += not found
            outcomes |= found
            rest = {index: each for index, each in rest.items() if index not in outcomes}
        outcomes |= dict.fromkeys(rest, UploadClosed("The earlier upload of this file has just ended. Try again."))
        for index, first in repeated.items():
            outcomes[index] = same_request(outcomes[first], pending[first], pending[index])
        return [outcomes[index] for index in range(len(requests))]

    async def _attempt(self, account_id: UUID, pending: Mapping[int, PendingUpload]) -> dict[int, Outcome]:
        """Find or start uploads. Those without an outcome met a request at the same moment: they are tried again."""
        outcomes = await self._known.find(account_id, pending)
        new = {index: each for index, each in pending.items() if index not in outcomes}
        if not new:
            return outcomes
        try:
            await self._allowance.require(account_id, len(new))
        except TooManyItems as error:
            return outcomes | {index: self._refused(error) for index in new}
        await self._ready.find(account_id, new.values())
        new = with_one_empty_file(new)
        await _find_chunks(account_id, new.values())
        async with self._reservations.one_at_a_time(account_id):
            try:
                await self._insert(account_id, list(new.values()))
            except Duplicate:
                return outcomes
        # Of requests that are refused, another one at the same moment may have succeeded.
        refused = {index: each for index, each in new.items() if each.draft.refusal}
        found = await self._known.find(account_id, refused) if refused else {}
        for index, each in new.items():
            refusal = each.draft.refusal
            if index in found or not refusal:
                outcomes[index] = found.get(index, each.draft.upload)
            elif not isinstance(refusal, StateChanged):
                outcomes[index] = self._refused(refusal)
        await self._announce([each for each in new.values() if not each.draft.refusal])
        return outcomes

    def _refused(self, error: Exception) -> ExpectedError:
        refusal = refusal_of(error)
        self._counters.uploads_refused[refusal.code.value] += 1
        return refusal

    async def _insert(self, account_id: UUID, pending: Sequence[PendingUpload]) -> None:
        """Store the uploads. Those that are refused have a refusal."""
        for each in pending:
            # That of an earlier attempt.
            each.draft.refusal = None
        quota = await self._policy.quota_of(account_id)
        incoming = [each.draft for each in pending if each.draft.needs_bytes]
        if incoming:
            # The bounds are checked before the disk, so that no account can fill the disk for a moment with bytes
            # beyond them, and once more in the transaction.
            space = QuotaCheck(await usage.measure(account_id, quota))
            admit = await self._reservations.admission(account_id)
            for draft in incoming:
                draft.refusal = space.refusal(draft.upload.size) or admit(draft.upload)
        await self._stage([each for each in pending if not each.draft.refusal])
        drafts = [each.draft for each in pending if not each.draft.refusal]
        staged = sum(draft.upload.size for draft in drafts if draft.needs_bytes)
        admission = partial(self._reservations.admission, account_id, staged)
        try:
            await new_uploads.insert_all(account_id, drafts, now(), quota=quota, admit=admission)
        except (Duplicate, NoSpace) as error:
            for draft in drafts:
                draft.refusal = error
            await self._discard(pending)
            if isinstance(error, Duplicate):
                raise
        await self._discard([each for each in pending if each.draft.refusal])

    async def _stage(self, pending: Sequence[PendingUpload]) -> None:
        # Reserved before the row exists, so that every upload that can be seen has its bytes reserved.
        drafts = [each.draft for each in pending if each.draft.needs_bytes]
        wanted = [(str(draft.upload.id), draft.upload.size, draft.upload.chunk_size) for draft in drafts]
        for draft, area in zip(drafts, await self._store.stage_all(wanted) if wanted else (), strict=True):
            if isinstance(area, NoSpace):
                draft.refusal = area
            else:
                draft.upload.staging = area
        for each in pending:
            if not each.draft.needs_bytes and not each.draft.version:
                await self._store_empty_file(each.draft)

    async def _store_empty_file(self, draft: Draft) -> None:
        try:
            await self._ready.store_empty_file(draft.upload)
        except NoSpace as error:
            draft.refusal = error

    async def _discard(self, refused: Sequence[PendingUpload]) -> None:
        for each in refused:
            upload = each.draft.upload
            if upload.staging:
                await self._store.discard(upload.staging)
                upload.staging = None  # type: ignore[assignment]
            elif not each.draft.needs_bytes and not each.draft.version:
                await self._ready.discard_empty_file(upload)

    async def _announce(self, stored: Sequence[PendingUpload]) -> None:
        """Count new uploads, write the records of those with a file, and notify the workers of new jobs."""
        await self._ready.write_records([each.draft for each in stored])
        for each in stored:
            upload = each.draft.upload
            self._counters.uploads_begun += 1
            if upload.status.is_final:
                self._counters.uploads_finished[upload.status.value] += 1
        for kind in {JOB_OF_STATUS.get(each.draft.upload.status) for each in stored} - {None}:
            if kind:
                await self._notifications.send(kind)


def _repeated(pending: Mapping[int, PendingUpload]) -> dict[int, int]:
    """The requests that equal an earlier one of the same call, or have its key, by the first of them."""
    first: dict[object, int] = {}
    repeated = {}
    for index, each in pending.items():
        if each.identity and first.setdefault(each.identity, index) != index:
            repeated[index] = first[each.identity]
    return repeated


async def _find_chunks(account_id: UUID, pending: Collection[PendingUpload]) -> None:
    """Find the chunks that need not be sent: they are copied on the server."""
    hashes = {sha256 for each in pending if each.draft.needs_bytes for sha256 in each.hashes}
    chunks = await known_chunks.find(account_id, hashes) if hashes else {}
    for each in pending if chunks else ():
        upload = each.draft.upload
        by_slot = {index: chunks.get((sha256, upload.slot_size(index))) for index, sha256 in enumerate(each.hashes)}
        each.draft.known_chunks = {index: chunk for index, chunk in by_slot.items() if chunk}
