"""Rows for tests of storage, and other processes on the same database."""

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from storage.accounts.models import Account, Registration, Session
from storage.blobs import Digests
from storage.database.connection import atomically
from storage.drive import uploaded_files
from storage.drive.models import Blob, FileVersion
from storage.drive.uploaded_files import NewFile
from storage.drive.versions import Content
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads import new_uploads, receipts, uploads
from storage.uploads.models import Chunk, Upload
from storage.uploads.new_uploads import Draft
from storage.uploads.receipts import Accepted

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
LEASE = timedelta(seconds=60)
LATER = NOW + timedelta(days=1)
SHA256 = "0" * 64
EMAIL = "ada@example.org"
#: Runs ``main`` on a database as soon as the standard input ends.
CONNECTED = """
import asyncio, sys
from storage.database.connection import close_database, open_database
async def run(url, *arguments):
    await open_database(url)
    try:
        print("ready", flush=True)
        sys.stdin.read()
        await main(*arguments)
    finally:
        await close_database()
asyncio.run(run(*sys.argv[1:]))
"""


async def new_account(name: str = "") -> Account:
    name = name or uuid4().hex
    return await Account.create(user_id=name, name=name, email=f"{name}@example.org", password_hash="hash")


def new_registration(**more: Any) -> Registration:
    """A registration that is not stored yet."""
    given = {"user_id": "ada", "name": "Ada", "email": EMAIL, "password_hash": "hash", "otp_hash": "otp"}
    return Registration(**{**given, "network": "192.0.2.1", "expires_at": LATER, **more})


def session_of(account: Account, expires_at: datetime = LATER) -> Session:
    """A session that is not stored yet, whose refresh token has the hash ``first``."""
    return Session(account_id=account.id, refresh_hash="first", expires_at=expires_at)


async def new_upload(account: Account | None = None, *, chunks: int = 3, **more: Any) -> Upload:
    """An upload with slots of 10 bytes, and 7 in the last one."""
    account = account or await new_account()
    given = {"file_name": "file", "mime_type": "video/mp4", "size": 10 * chunks - 3, "chunk_size": 10}
    upload = Upload(account_id=account.id, **{**given, "expires_at": LATER, **more})
    await insert(upload)
    return upload


async def insert(upload: Upload, quota: int | None = None, **more: Any) -> Upload:
    """Store an upload; ``more`` is of its draft. Raises the reason why it is refused."""
    draft = Draft(upload, **more)
    await new_uploads.insert_all(upload.account_id, [draft], NOW, quota=quota)
    if draft.refusal:
        raise draft.refusal
    return upload


async def new_version(
    account_id: UUID,
    blob: Blob,
    name: str = "file",
    mime_type: str = "video/mp4",
    media: dict[str, Any] | None = None,
) -> FileVersion:
    """The first version of a new file, its blob and its file loaded."""
    content = Content(blob, mime_type, media)
    return await atomically(lambda: add_file(account_id, None, name, content, datetime.now(UTC)))


async def add_file(account_id: UUID, parent_id: UUID | None, name: str, content: Content, at: datetime) -> FileVersion:
    """The first version of a new file. Call it inside a transaction."""
    (version,) = await uploaded_files.add_all(account_id, [NewFile(parent_id, name, content)], at)
    return version


async def look(upload: Upload) -> Upload:
    """The current upload."""
    found = await uploads.find(upload.id)
    assert found
    return found


async def receive(upload: Upload, index: int, expires_at: datetime = LATER) -> Accepted:
    return await receipts.add(upload, index, Digests(SHA256, "0" * 32), NOW, expires_at)


async def receive_all(upload: Upload) -> None:
    for index in range(upload.chunk_count):
        await receive(upload, index)


async def enqueue(
    kind: JobKind = JobKind.REASSEMBLE, subject_id: UUID | None = None, run_after: datetime = NOW
) -> UUID:
    """Queue work as the product does, in a transaction; returns its subject."""
    subject = subject_id or uuid4()
    await atomically(lambda: jobs.enqueue(kind, subject, run_after))
    return subject


async def claim(kind: JobKind = JobKind.REASSEMBLE, owner: str = "worker", moment: datetime = NOW) -> Job:
    """Claim the next job, which must exist."""
    job = await jobs.claim([kind], owner, LEASE, moment)
    assert job
    return job


async def claim_or_none(moment: datetime = NOW, kind: JobKind = JobKind.REASSEMBLE) -> Job | None:
    """Claim the next job, if there is one."""
    return await jobs.claim([kind], "another", LEASE, moment)


async def run_together(database_url: str, script: str, *runs: tuple[str, ...]) -> list[str]:
    """What processes print that each run a script's ``main``, with arguments of their own, at the same time."""
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script + CONNECTED, database_url, *run, cwd=ROOT, stdin=pipe, stdout=pipe
        )
        for run in runs
    ]
    try:
        for process in processes:
            assert process.stdout
            assert await process.stdout.readline() == b"ready\n"
        outputs = await asyncio.gather(*(process.communicate(b"go") for process in processes))
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    assert [process.returncode for process in processes] == [0] * len(runs)
    return [output.decode() for output, _ in outputs]


async def filled_indexes(upload_id: UUID) -> list[int]:
    """The indexes of an upload's filled slots, in order."""
    rows = await Chunk.filter(upload_id=upload_id).order_by("index").values("index")
    return [row["index"] for row in rows]
