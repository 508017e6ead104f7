"""The list of all steps at which something is killed.

A step is a place in the code, named by module and function; ``tests/faults/test_steps.py`` fails when it is gone.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from tests.support.backends.databases import POSTGRES, SQLITE

#: By the database that the server has.
VICTIMS = {
    SQLITE: ("api", "worker", "valkey", "database"),
    POSTGRES: ("api", "worker", "valkey", "database", "postgres"),
}


class Journey(StrEnum):
    """What clients do while the step is armed; see ``tests/faults/journeys.py``."""

    UPLOAD = "upload"
    COMPRESS = "compress"
    OWNED = "owned"
    CHANGED = "changed"
    DAMAGE = "damage"
    ABORT = "abort"
    EXPIRE = "expire"
    SMALL = "small"
    SWEEP = "sweep"
    RESTORED = "restored"
    DELETE = "delete"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Step:
    """``where`` is the process that gets there: ``api`` or ``worker``; ``moment`` is before or after the call.

    Only a call with ``argument`` among its arguments counts, and of these the one with the number ``passage``. With an
    ``engine``, only a server with this kind of database gets there.
    """

    name: str
    journey: Journey
    where: str
    moment: str
    module: str
    function: str
    argument: str = ""
    passage: int = 1
    engine: str = ""


def _api(name: str, journey: Journey, moment: str, place: str, argument: str = "", passage: int = 1) -> Step:
    module, function = place.split(":")
    return Step(name, journey, "api", moment, module, function, argument, passage)


def _worker(name: str, journey: Journey, moment: str, place: str, argument: str = "", passage: int = 1) -> Step:
    module, function = place.split(":")
    return Step(name, journey, "worker", moment, module, function, argument, passage)


def _on(engine: str, found: Step) -> Step:
    return replace(found, engine=engine)


LOCAL = "storage.blobs.local.folder:"
FOLDER = f"{LOCAL}BlobFolder."
RESULTS = "storage.uploads.job_results:"
SLOT = "storage.blobs.local.slot_writer:"
STORE = "storage.blobs.local.store:LocalBlobStore."
SMALL = "storage.uploads.small_files:"
DELETION = "storage.deletion."
#: With PostgreSQL a receipt is one statement.
FETCH, COUNTED = "storage.database.postgres.client:_fetch", "WITH counted"

STEPS = (
    # An upload begins.
    _api("init: nothing reserved yet", Journey.UPLOAD, "before", f"{FOLDER}stage"),
    _api("init: bytes reserved, no row", Journey.UPLOAD, "after", f"{FOLDER}stage"),
    _api("init: row stored, no answer", Journey.UPLOAD, "after", "storage.uploads.new_uploads:insert_all"),
    _api("init of an owned file: nothing stored", Journey.OWNED, "before", "storage.uploads.new_uploads:insert_all"),
    _api("init of an owned file: stored, no answer", Journey.OWNED, "after", "storage.uploads.new_uploads:insert_all"),
    _api("init of a changed file: held chunks noted", Journey.CHANGED, "after", "storage.uploads.receipts:add_known"),
    _api(
        "init of a changed file: stored, no answer", Journey.CHANGED, "after", "storage.uploads.new_uploads:insert_all"
    ),
    # Small files are stored together.
    _api("small files: bytes reserved, no rows", Journey.SMALL, "after", f"{STORE}stage_all"),
    _api("small files: rows stored, no answer", Journey.SMALL, "after", "storage.uploads.new_uploads:insert_all"),
    _api("small files: bytes written, no receipts", Journey.SMALL, "before", f"{SMALL}add_receipts"),
    _api("small files: receipts stored, no hint", Journey.SMALL, "after", f"{SMALL}add_receipts"),
    _worker("small files: claimed together", Journey.SMALL, "after", f"{SMALL}claim_more"),
    _worker("small files: verified, not durable", Journey.SMALL, "before", f"{STORE}prepare_all"),
    _worker("small files: durable, no records", Journey.SMALL, "after", f"{STORE}prepare_all"),
    _worker("small files: records stored", Journey.SMALL, "after", "workers.uploads.small_files:_prepared"),
    _worker("small files: renamed, no rows", Journey.SMALL, "after", f"{STORE}publish_all"),
    _worker("small files: rows written, not committed", Journey.SMALL, "after", f"{SMALL}_store_rows"),
    _worker("small files: committed, no event", Journey.SMALL, "after", f"{SMALL}publish"),
    # A chunk comes in.
    _api("chunk: slot not locked yet", Journey.UPLOAD, "before", f"{SLOT}lock_range", passage=3),
    _api("chunk: slot locked, no byte", Journey.UPLOAD, "after", f"{SLOT}lock_range", passage=3),
    _api(
        "chunk: a part of the bytes written",
        Journey.UPLOAD,
        "before",
        f"{SLOT}LocalSlotWriter._store",
        "",
        6,
    ),
    _api(
        "chunk: bytes written, no receipt",
        Journey.UPLOAD,
        "after",
        f"{SLOT}LocalSlotWriter.finish",
        "",
        3,
    ),
    _on(
        SQLITE,
        _api(
            "receipt: begun, nothing written",
            Journey.UPLOAD,
            "before",
            "storage.database.sqlite.client:_run_each",
            "",
            3,
        ),
    ),
    _on(
        SQLITE,
        _api(
            "receipt: counted, not committed",
            Journey.UPLOAD,
            "after",
            "storage.database.sqlite.client:_run_each",
            "",
            3,
        ),
    ),
    _on(POSTGRES, _api("receipt: not sent to the database", Journey.UPLOAD, "before", FETCH, COUNTED, 3)),
    _on(POSTGRES, _api("receipt: committed, not heard of", Journey.UPLOAD, "after", FETCH, COUNTED, 3)),
    _api("receipt: committed, no event", Journey.UPLOAD, "after", "storage.uploads.receipts:add", passage=3),
    _api(
        "receipt: event sent, no answer",
        Journey.UPLOAD,
        "after",
        "services.uploads.ingest:Ingest.add_receipt",
        passage=3,
    ),
    _api(
        "last receipt: row written, not committed",
        Journey.UPLOAD,
        "after",
        "storage.uploads.receipts:fetch",
        "INSERT INTO chunk",
    ),
    _api(
        "last receipt: counted, not committed",
        Journey.UPLOAD,
        "after",
        "storage.uploads.receipts:fetch",
        "UPDATE upload",
    ),
    _api(
        "last receipt: job queued, not committed", Journey.UPLOAD, "after", "storage.uploads.receipts:queue_reassembly"
    ),
    _api(
        "last receipt: committed, no hint",
        Journey.UPLOAD,
        "before",
        "storage.jobs.job_notifications:JobNotifications.send",
    ),
    _api(
        "last receipt: hint sent, no answer",
        Journey.UPLOAD,
        "after",
        "storage.jobs.job_notifications:JobNotifications.send",
    ),
    # The bytes are verified and become a file.
    _worker(
        "follower: a chunk verified behind the others",
        Journey.UPLOAD,
        "after",
        "workers.uploads.verification:Verification.advance",
    ),
    _worker("job: found, not claimed", Journey.UPLOAD, "before", "storage.jobs.jobs:_take"),
    _worker("job: claimed", Journey.UPLOAD, "after", "storage.jobs.jobs:_take"),
    _worker(
        "verification: half way",
        Journey.UPLOAD,
        "before",
        "workers.uploads.verification:Verification.advance",
        passage=5,
    ),
    _worker("changed file: held chunk not copied", Journey.CHANGED, "before", f"{FOLDER}copy_in", passage=2),
    _worker("changed file: held chunk copied", Journey.CHANGED, "after", f"{FOLDER}copy_in", passage=2),
    _worker("verified, not durable", Journey.UPLOAD, "before", f"{FOLDER}prepare"),
    _worker("publish: synced, no folder", Journey.UPLOAD, "after", f"{LOCAL}sync"),
    _worker("publish: durable, no record", Journey.UPLOAD, "after", f"{FOLDER}prepare"),
    _worker("publish: record written, not in its place", Journey.UPLOAD, "before", f"{FOLDER}take_record"),
    _worker("publish: record in its place, not durable", Journey.UPLOAD, "after", f"{LOCAL}_move"),
    _worker("publish: record stored", Journey.UPLOAD, "after", "services.uploads.published_record:write_record"),
    _worker("publish: job ended, not renamed", Journey.UPLOAD, "before", f"{FOLDER}publish"),
    _worker("publish: renamed, folder not synced", Journey.UPLOAD, "after", f"{LOCAL}_rename", passage=2),
    _worker("publish: renamed, no rows", Journey.UPLOAD, "after", f"{FOLDER}publish"),
    _worker("publish: rows written, not committed", Journey.UPLOAD, "after", f"{RESULTS}add_file"),
    _worker("publish: job ended, not committed", Journey.UPLOAD, "after", f"{RESULTS}_finish"),
    _worker("publish: committed, no event", Journey.UPLOAD, "after", f"{RESULTS}publish"),
    _worker("damaged chunk: found, slot not reopened", Journey.DAMAGE, "before", f"{RESULTS}reopen_slots"),
    _worker("damaged chunk: slot reopened, no event", Journey.DAMAGE, "after", f"{RESULTS}reopen_slots"),
    # The database is an older copy.
    _worker("older database: adoption queued", Journey.RESTORED, "after", "storage.uploads.adoption:queue"),
    _worker("older database: blob has its first name for a moment", Journey.RESTORED, "after", f"{LOCAL}_rename"),
    _worker(
        "older database: bytes verified, no rows", Journey.RESTORED, "before", "workers.uploads.publishing:_store_rows"
    ),
    _worker("older database: rows written, not committed", Journey.RESTORED, "after", f"{RESULTS}add_file"),
    # A video is compressed.
    _worker(
        "compression: queued, no hint",
        Journey.COMPRESS,
        "before",
        "storage.jobs.job_notifications:JobNotifications.send",
    ),
    _worker("compression: ffmpeg started", Journey.COMPRESS, "before", "workers.media.encode:_follow"),
    _worker("compression: ffmpeg under way", Journey.COMPRESS, "after", "workers.media.encode:advance"),
    _worker("compression: a lease about to be renewed", Journey.COMPRESS, "before", "storage.jobs.jobs:renew"),
    _worker("compression: a lease renewed", Journey.COMPRESS, "after", "storage.jobs.jobs:renew"),
    _worker("compression: finished, not stored", Journey.COMPRESS, "after", "workers.media.compress:_measure"),
    _worker("compression: in the store, not in its place", Journey.COMPRESS, "before", f"{LOCAL}_move", ".put"),
    _worker("compression: stored, no rows", Journey.COMPRESS, "after", f"{FOLDER}put"),
    _worker(
        "compression: job ended, not committed",
        Journey.COMPRESS,
        "after",
        f"{RESULTS}_finish",
        passage=2,
    ),
    _worker("compression: committed, no event", Journey.COMPRESS, "after", f"{RESULTS}add_rendition"),
    # An upload is aborted.
    _api("abort: row changed, bytes still there", Journey.ABORT, "after", "storage.uploads.uploads:abort"),
    _api("abort: bytes gone, no answer", Journey.ABORT, "after", "storage.blobs.local.store:LocalBlobStore.discard"),
    _worker("expiry: nothing changed yet", Journey.EXPIRE, "before", "storage.uploads.expiry:expire"),
    _worker("expiry: row changed, bytes still there", Journey.EXPIRE, "after", "storage.uploads.expiry:expire"),
    _worker("sweep: about to remove", Journey.SWEEP, "before", "services.maintenance.sweeper:Sweeper._remove"),
    _worker("sweep: removed", Journey.SWEEP, "after", "services.maintenance.sweeper:Sweeper._remove"),
    # A file and one that shares its bytes are deleted for good.
    _api("deletion: versions deleted, not committed", Journey.DELETE, "after", f"{DELETION}purging:purge_versions"),
    _api("deletion: event stored, not committed", Journey.DELETE, "after", f"{DELETION}items:_delete"),
    _api("deletion: committed, no answer", Journey.DELETE, "after", f"{DELETION}items:delete"),
    _worker("collection: claimed, not committed", Journey.DELETE, "after", f"{DELETION}collection:_needed"),
    _worker("collection: claimed, bytes there", Journey.DELETE, "after", f"{DELETION}collection:claim"),
    _worker("collection: bytes deleted, row there", Journey.DELETE, "after", f"{FOLDER}delete"),
    _worker("collection: row deleted", Journey.DELETE, "after", f"{DELETION}collection:forget"),
    _worker("collection: record deleted", Journey.DELETE, "before", f"{DELETION}collection:forget_records"),
)

#: The steps of a mutation of an account, besides the statements that it sends to the database.
ACCOUNT_STEPS = (
    _api("mail: not handed over", Journey.ACCOUNT, "before", "storage.mail.smtp:SmtpMailer.send"),
    _api("mail: handed over", Journey.ACCOUNT, "after", "storage.mail.smtp:SmtpMailer.send"),
    _api("request: not begun", Journey.ACCOUNT, "before", "cloudkeep.graphql.endpoint:GraphQLEndpoint._respond"),
    _api("request: done, no answer", Journey.ACCOUNT, "after", "cloudkeep.graphql.endpoint:GraphQLEndpoint._respond"),
)


def statement(number: int, moment: str) -> Step:
    """The moment before or after a statement that the armed request sends to the database, counted from 1."""
    return _api(f"statement {number}: {moment}", Journey.ACCOUNT, moment, "database:statement", passage=number)


def step(name: str) -> Step:
    """The step of this name. Raises :class:`KeyError`."""
    return {found.name: found for found in (*STEPS, *ACCOUNT_STEPS)}[name]
