"""What somebody does while a step is armed, as a good client does it: in parallel, and again whatever fails."""

import asyncio
import secrets
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.clips import bikes
from tests.faults.steps import Journey
from tests.support.ageing import make_old
from tests.support.kills import persist, persistent_data
from tests.support.process import ServeProcess
from tests.support.server import INIT, UPLOAD, Api, Json, digest, part_of
from tests.support.waiting import eventually

#: More than the server reads at once, so that a slot can be half full.
CHUNK = 3 * 512 * 1024
SIZE = 8 * CHUNK
PARALLEL = 4
PATIENCE_SECONDS = 120.0
COMPRESS = {"preset": "FAST", "maxHeight": 144}
UNDER_WAY = {"RECEIVING", "REASSEMBLING", "COMPRESSING"}
ABORT = """mutation ($id: ID!) { abortUpload(uploadId: $id) { upload { id status } userErrors { code message } } }"""

Arm = Callable[[], None]


@dataclass
class Sent:
    """What a client knows of one upload: what it sent, and which slots were acknowledged with which digest."""

    content: bytes
    name: str
    compress: bool = False
    chunk_size: int = CHUNK
    #: Whether the disk has damaged a chunk, whose slot may then be open again.
    damaged: bool = False
    upload_id: str = ""
    acknowledged: dict[int, str] = field(default_factory=dict)

    def parts(self) -> list[bytes]:
        """The chunks in order."""
        return [self.content[start : start + self.chunk_size] for start in range(0, len(self.content), self.chunk_size)]


@dataclass(frozen=True)
class Stage:
    """Where it happens. ``root`` is the server's data folder."""

    process: ServeProcess
    person: Api
    root: Path
    name: str

    def sent(self, size: int = SIZE, *, video: bool = False) -> Sent:
        """A file that nobody has sent before."""
        content = padded_clip() if video else secrets.token_bytes(size)
        return Sent(content, self.name, compress=video)

    def execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Run a statement in the database, behind the server's back."""
        with sqlite3.connect(self.root / "cloudkeep.sqlite3", timeout=10) as connection:
            found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    def staging(self, sent: Sent) -> Path:
        """Where an upload's bytes are until it is published."""
        return self.root / "blobs" / "staging" / sent.upload_id


def padded_clip(padding: int = 2 * CHUNK) -> bytes:
    """A real video, never the same twice: a ``free`` box of noise stands at its end."""
    noise = secrets.token_bytes(padding)
    return bikes().read_bytes() + (len(noise) + 8).to_bytes(4, "big") + b"free" + noise


async def begin(stage: Stage, sent: Sent) -> Json:
    """Begin an upload, or find it again."""
    wanted: Json = {"fileName": sent.name, "size": len(sent.content), "chunkSize": sent.chunk_size}
    wanted["chunkHashes"] = [digest(part) for part in sent.parts()]
    wanted |= {"idempotencyKey": sent.name, "sha256": digest(sent.content)} | (
        {"compress": COMPRESS} if sent.compress else {}
    )
    payload = await persistent_data(stage.person, INIT, input=wanted)
    assert payload["userErrors"] == []
    upload: Json = payload["upload"]
    sent.upload_id = upload["id"]
    return upload


async def fill(stage: Stage, sent: Sent, slots: list[Json]) -> None:
    """Send these slots, four at a time, each until it is acknowledged."""
    gate = asyncio.Semaphore(PARALLEL)

    async def send(slot: Json) -> None:
        async with gate:
            body = part_of(slot, sent.content)
            answer = await persist(lambda: stage.person.http.put(slot["url"], content=body))
            assert answer.status_code == 200, answer.text
            assert answer.json()["sha256"] == digest(body), answer.text
            sent.acknowledged[slot["index"]] = digest(body)

    await asyncio.gather(*(send(slot) for slot in slots))


async def look(stage: Stage, sent: Sent) -> Json:
    """The upload as the server sees it."""
    found: Json = await persistent_data(stage.person, UPLOAD, id=sent.upload_id)
    return found


async def to_the_end(stage: Stage, sent: Sent) -> Json:
    """Send whatever is wanted until the upload is READY."""
    while (upload := await settled(stage, sent))["status"] == "RECEIVING":
        again = sent.acknowledged.keys() & {slot["index"] for slot in upload["slots"]["nodes"]}
        assert sent.damaged or not again, f"acknowledged, and open again: {again}"
        await fill(stage, sent, upload["slots"]["nodes"])
    assert upload["status"] == "READY", upload
    return upload


async def settled(stage: Stage, sent: Sent) -> Json:
    """The upload once it is at its end, or wants chunks."""

    async def moved_on() -> Json | None:
        upload = await look(stage, sent)
        wants = upload["status"] == "RECEIVING" and upload["slots"]["nodes"]
        return upload if wants or upload["status"] not in UNDER_WAY else None

    return await eventually(moved_on, PATIENCE_SECONDS)


async def upload(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file from its first to its last chunk."""
    arm()
    await begin(stage, sent)
    return await to_the_end(stage, sent)


async def owned(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file, and then begin to send it once more."""
    await begin(stage, sent)
    await to_the_end(stage, sent)
    sent.name = f"{sent.name} again"
    sent.acknowledged.clear()
    arm()
    await begin(stage, sent)
    return await to_the_end(stage, sent)


async def changed(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file, and then one that differs from it in its first chunk alone."""
    await begin(stage, sent)
    await to_the_end(stage, sent)
    sent.name, sent.content = f"{sent.name} again", secrets.token_bytes(CHUNK) + sent.content[CHUNK:]
    sent.acknowledged.clear()
    arm()
    slots = (await begin(stage, sent))["slots"]["nodes"]
    assert [slot["received"] for slot in slots] == [False] + [True] * (len(slots) - 1)
    return await to_the_end(stage, sent)


async def damage(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send a file of which the disk damages a chunk before anybody has looked at it again."""
    slots = (await begin(stage, sent))["slots"]["nodes"]
    await fill(stage, sent, slots[:-1])
    # What it has verified already is forgotten with the worker.
    stage.process.child("worker").kill()
    with stage.staging(sent).open("r+b") as file:
        file.seek(CHUNK)
        file.write(b"damaged")
    sent.damaged = True
    arm()
    await fill(stage, sent, slots[-1:])
    return await to_the_end(stage, sent)


async def abort(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send half of a file and give it up."""
    slots = (await begin(stage, sent))["slots"]["nodes"]
    await fill(stage, sent, slots[: len(slots) // 2])
    arm()
    payload = await persistent_data(stage.person, ABORT, id=sent.upload_id)
    assert payload["userErrors"] == []
    return await look(stage, sent)


async def expire(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Send half of a file and let its time go by."""
    slots = (await begin(stage, sent))["slots"]["nodes"]
    await fill(stage, sent, slots[: len(slots) // 2])
    arm()
    late = datetime.now(UTC) - timedelta(minutes=1)
    stage.execute("UPDATE upload SET expires_at = ? WHERE id = ?", str(late), sent.upload_id)

    async def over() -> Json | None:
        upload = await look(stage, sent)
        return upload if upload["status"] != "RECEIVING" else None

    return await eventually(over, PATIENCE_SECONDS)


async def sweep(stage: Stage, sent: Sent, arm: Arm) -> Json:
    """Leave bytes without a row, as a server does that was killed while an upload began."""
    arm()
    # The time is that of 2020: a UUIDv7 as an upload has it.
    sent.upload_id = f"016f5e66-e800-7{secrets.token_hex(2)[1:]}-8{secrets.token_hex(2)[1:]}-{secrets.token_hex(6)}"
    stage.staging(sent).write_bytes(sent.content)
    make_old(stage.root / "blobs", sent.upload_id)

    async def swept() -> Json | None:
        return None if stage.staging(sent).exists() else {"status": "SWEPT"}

    return await eventually(swept, PATIENCE_SECONDS)


Walk = Callable[[Stage, Sent, Arm], Awaitable[Json]]
WALKS: dict[Journey, tuple[Walk, str]] = {
    Journey.UPLOAD: (upload, "READY"),
    Journey.COMPRESS: (upload, "READY"),
    Journey.OWNED: (owned, "READY"),
    Journey.CHANGED: (changed, "READY"),
    Journey.DAMAGE: (damage, "READY"),
    Journey.ABORT: (abort, "ABORTED"),
    Journey.EXPIRE: (expire, "EXPIRED"),
    Journey.SWEEP: (sweep, "SWEPT"),
}
