"""What clients do while a step is armed."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from services.core.ids import Prefix, encode
from storage.database.connection import close_database, open_database
from storage.database.engine import engine_of
from storage.drive.models import Blob, FileVersion
from storage.uploads.models import Chunk, ObsoleteRecord, Upload, UploadStatus
from tests.faults.steps import Journey
from tests.support.file_age import set_age
from tests.support.process import ServeProcess
from tests.support.server import Api, Json, digest
from tests.support.uploads import (
    CHUNK,
    PATIENCE_SECONDS,
    Sent,
    begin,
    fill,
    look,
    padded_clip,
    persist,
    persistent_data,
    to_the_end,
)
from tests.support.waiting import eventually

SIZE = 8 * CHUNK
SMALL_FILES = 5
BY_IDS = "query ($ids: [ID!]!) { uploadsByIds(ids: $ids) { status } }"
INIT_SMALL = """mutation ($input: InitUploadsInput!) { initUploads(input: $input) { userErrors { code }
    results { upload { id slot(index: 0) { url } } userErrors { code message } } } }"""
ABORT = """mutation ($id: ID!) {
    abortUpload(input: {uploadId: $id}) { upload { id status } userErrors { code message } } }"""

DELETE = "mutation ($ids: [ID!]!) { deleteItems(input: {itemIds: $ids}) { deletedCount userErrors { code } } }"

Arm = Callable[[], None]


@dataclass(frozen=True)
class Stage:
    """The server of a journey. ``root`` is its data folder, ``database_url`` its database."""

    process: ServeProcess
    person: Api
    root: Path
    database_url: str
    name: str

    def sent(self, size: int = SIZE, *, video: bool = False) -> Sent:
        """A file that was not sent before."""
        content = padded_clip() if video else secrets.token_bytes(size)
        return Sent(content, self.name, compress=video)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[None]:
        """Connect this process to the server's database for the block, once it is available."""
        await engine_of(self.database_url).require_available()
        await open_database(self.database_url)
        try:
            yield
        finally:
            await close_database()

    def staging(self, sent: Sent) -> Path:
        """The place of an upload's bytes before it is published."""
        return self.root / "blobs" / "staging" / str(sent.key)


async def upload(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file from its first to its last chunk."""
    arm()
    await begin(stage.person, sent)
    return await to_the_end(stage.person, sent)


async def small(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send small files together, of which one is observed."""
    contents = [secrets.token_bytes(5_000) for _ in range(SMALL_FILES)]
    sent.content = contents[-1]
    names = [f"{sent.name} {number}" for number in range(SMALL_FILES)]
    files = [
        {"fileName": name, "size": len(each), "sha256": digest(each), "idempotencyKey": name}
        for name, each in zip(names, contents, strict=True)
    ]
    arm()
    payload = await persistent_data(stage.person, INIT_SMALL, input={"uploads": files})
    uploads = [result["upload"] for result in payload["results"]]
    sent.upload_id = uploads[-1]["id"]
    form = [(upload["slot"]["url"], ("chunk", content)) for upload, content in zip(uploads, contents, strict=True)]

    async def received() -> bool:
        response = await persist(lambda: stage.person.http.post("/uploads/chunks", files=form))
        chunks = response.json()["chunks"]
        assert all(chunk.get("code") in {None, "SLOT_BUSY", "STORAGE_UNAVAILABLE"} for chunk in chunks), chunks
        return all("sha256" in chunk for chunk in chunks)

    await eventually(received, PATIENCE_SECONDS)
    sent.acknowledged[0] = digest(sent.content)

    async def stored() -> bool:
        ids = [upload["id"] for upload in uploads]
        found: Any = await persistent_data(stage.person, BY_IDS, ids=ids)
        return all(each["status"] == "READY" for each in found)

    await eventually(stored, PATIENCE_SECONDS)
    return await to_the_end(stage.person, sent)


async def owned(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file, and then start to send it again."""
    await begin(stage.person, sent)
    await to_the_end(stage.person, sent)
    sent.name = f"{sent.name} again"
    sent.acknowledged.clear()
    arm()
    await begin(stage.person, sent)
    return await to_the_end(stage.person, sent)


async def changed(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file, and then one that differs only in its first chunk."""
    await begin(stage.person, sent)
    await to_the_end(stage.person, sent)
    sent.name, sent.content = f"{sent.name} again", secrets.token_bytes(CHUNK) + sent.content[CHUNK:]
    sent.acknowledged.clear()
    arm()
    slots = (await begin(stage.person, sent))["slots"]["nodes"]
    assert [slot["received"] for slot in slots] == [False] + [True] * (len(slots) - 1)
    return await to_the_end(stage.person, sent)


async def damage(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file of which the disk damages a chunk before it was verified."""
    slots = (await begin(stage.person, sent))["slots"]["nodes"]
    await fill(stage.person, sent, slots[:-1])
    # The worker's verification is lost with the worker.
    stage.process.child("worker").kill()
    with stage.staging(sent).open("r+b") as file:
        file.seek(CHUNK)
        file.write(b"damaged")
    sent.damaged = True
    arm()
    await fill(stage.person, sent, slots[-1:])
    return await to_the_end(stage.person, sent)


async def abort(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send half of a file and abort it."""
    slots = (await begin(stage.person, sent))["slots"]["nodes"]
    await fill(stage.person, sent, slots[: len(slots) // 2])
    arm()
    payload = await persistent_data(stage.person, ABORT, id=sent.upload_id)
    assert payload["userErrors"] == []
    return await look(stage.person, sent)


async def expire(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send half of a file and let the upload expire."""
    slots = (await begin(stage.person, sent))["slots"]["nodes"]
    await fill(stage.person, sent, slots[: len(slots) // 2])
    arm()
    async with stage.database():
        await Upload.filter(id=sent.key).update(expires_at=datetime.now(UTC) - timedelta(minutes=1))

    async def over() -> Json | None:
        upload = await look(stage.person, sent)
        return upload if upload["status"] != "RECEIVING" else None

    return await eventually(over, PATIENCE_SECONDS)


async def sweep(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Leave bytes without a row, as a server does that was killed while an upload began."""
    arm()
    # The time is that of 2020: a UUIDv7 as an upload has it.
    key = UUID(f"016f5e66-e800-7{secrets.token_hex(2)[1:]}-8{secrets.token_hex(2)[1:]}-{secrets.token_hex(6)}")
    sent.upload_id = encode(Prefix.UPLOAD, key)
    stage.staging(sent).write_bytes(sent.content)
    set_age(stage.root / "blobs", str(key))

    async def swept() -> Json | None:
        return None if stage.staging(sent).exists() else {"status": "SWEPT"}

    return await eventually(swept, PATIENCE_SECONDS)


async def restored(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Let the database know a stored file only as an expired upload without its last chunk, as an older copy would.

    The bytes were published by an attempt that was interrupted.
    """
    await begin(stage.person, sent)
    await to_the_end(stage.person, sent)
    async with stage.database():
        upload = await Upload.get(id=sent.key)
        last = upload.chunk_count - 1
        del sent.acknowledged[last]
        (stage.root / "blobs" / "syncing" / str(sent.key)).touch()
        arm()
        await FileVersion.filter(id=upload.version_id).delete()
        await Blob.filter(key=str(sent.key)).delete()
        await Chunk.filter(upload_id=sent.key, index=last).delete()
        older = {"status": UploadStatus.RECEIVING, "received_chunks": last, "received_bytes": last * CHUNK}
        await Upload.filter(id=sent.key).update(**older, expires_at=datetime.now(UTC) - timedelta(minutes=1))

    async def ready() -> Json | None:
        found = await look(stage.person, sent)
        return found if found["status"] == "READY" else None

    return await eventually(ready, PATIENCE_SECONDS)


async def delete(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file twice, delete both for good, and let the grace be over."""
    ids = []
    for name in (sent.name, f"{sent.name} again"):
        sent.name = name
        await begin(stage.person, sent)
        ids.append((await to_the_end(stage.person, sent))["file"]["id"])
        sent.acknowledged.clear()
    arm()
    payload = await persistent_data(stage.person, DELETE, ids=ids)
    # A request that is repeated, because its answer was lost, finds nothing.
    assert [error["code"] for error in payload["userErrors"]] in ([], ["NOT_FOUND"])

    async def collected() -> Json | None:
        long_ago = datetime.now(UTC) - timedelta(days=2)
        await Blob.filter(released_at__isnull=False).update(released_at=long_ago)
        await ObsoleteRecord.all().update(since=long_ago)
        is_left = await Blob.filter(sha256=digest(sent.content)).exists() or await ObsoleteRecord.all().exists()
        return None if is_left else {"status": "DELETED"}

    async with stage.database():
        return await eventually(collected, PATIENCE_SECONDS)


Walk = Callable[[Stage, Sent, Arm], Awaitable[Json]]
WALKS: dict[Journey, tuple[Walk, str]] = {
    Journey.UPLOAD: (upload, "READY"),
    Journey.COMPRESS: (upload, "READY"),
    Journey.OWNED: (owned, "READY"),
    Journey.SMALL: (small, "READY"),
    Journey.CHANGED: (changed, "READY"),
    Journey.DAMAGE: (damage, "READY"),
    Journey.ABORT: (abort, "ABORTED"),
    Journey.EXPIRE: (expire, "EXPIRED"),
    Journey.SWEEP: (sweep, "SWEPT"),
    Journey.RESTORED: (restored, "READY"),
    Journey.DELETE: (delete, "DELETED"),
}
