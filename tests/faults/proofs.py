"""What must hold after a strike: nothing that was acknowledged is lost, nothing is stuck, nothing is left over."""

import hashlib
from pathlib import Path

import httpx

from services.maintenance.doctor import Doctor
from storage.blobs import LocalBlobStore
from storage.drive.models import Blob, FileVersion
from storage.jobs.models import Job, JobState
from tests.faults.arming import Arming
from tests.faults.journeys import SMALL_FILES, Stage
from tests.faults.steps import Journey
from tests.support.file_age import set_age
from tests.support.server import Json, digest
from tests.support.uploads import PATIENCE_SECONDS, Sent, assert_whole, look
from tests.support.waiting import eventually, nothing_is_away

#: The files that journeys send, if there are several.
FILES = {Journey.OWNED: 2, Journey.CHANGED: 2, Journey.SMALL: SMALL_FILES}
HELD = {"RECEIVING", "REASSEMBLING", "COMPRESSING", "READY"}


async def acknowledged_is_kept(stage: Stage, sent: Sent, arming: Arming) -> None:
    """As soon as the server is back: every chunk whose receipt the client has is there, byte by byte.

    A damaged one may have been opened again instead.
    """

    async def struck() -> bool:
        return arming.struck_at is not None

    await eventually(struck, PATIENCE_SECONDS)
    await eventually(lambda: is_ready(stage), PATIENCE_SECONDS)
    known = dict(sent.acknowledged)
    if not known:
        return
    upload = await look(stage.person, sent)
    if upload["status"] not in HELD:
        return
    open_slots = {slot["index"] for slot in upload["slots"]["nodes"]}
    assert sent.damaged or not open_slots & known.keys(), f"acknowledged, and open again: {open_slots & known.keys()}"

    async def checked() -> bool:
        return bytes_are_there(stage, sent, known) or (await look(stage.person, sent))["status"] not in HELD

    if not sent.damaged:
        await eventually(checked, PATIENCE_SECONDS)


async def is_ready(stage: Stage) -> bool:
    """Whether the server reports that nothing is away."""
    try:
        return nothing_is_away(await stage.person.http.get("/readyz"))
    except httpx.TransportError:
        return False


def bytes_are_there(stage: Stage, sent: Sent, known: dict[int, str]) -> bool:
    """Read the slots from the disk, wherever the bytes are now. Returns False while they are moved."""
    places = [stage.staging(sent), *(stage.root / "blobs" / "blobs").rglob(str(sent.key))]
    # A file that is renamed meanwhile is found at its next place.
    for place in places:
        if place.exists():
            with place.open("rb") as file:
                for index, sha256 in known.items():
                    file.seek(index * sent.chunk_size)
                    size = min(sent.chunk_size, len(sent.content) - index * sent.chunk_size)
                    assert hashlib.sha256(file.read(size)).hexdigest() == sha256, f"slot {index} was changed"
            return True
    return False


async def nothing_is_left(stage: Stage) -> None:
    """No job under way, no upload without an end, and on the disk exactly the blobs that rows refer to."""

    async def at_rest() -> bool:
        return not await Job.filter(state__in=[JobState.RUNNING, JobState.QUEUED]).exists()

    async def clean() -> bool:
        return not await left_over(stage)

    async with stage.database():
        await eventually(at_rest, PATIENCE_SECONDS)
        # An hour passes.
        set_age(stage.root / "blobs" / "staging", "*")
        set_age(stage.root / "blobs" / "blobs", "*")
        try:
            await eventually(clean, 20)
        except TimeoutError:
            raise AssertionError(f"left over: {await left_over(stage)}") from None
        assert await findings(stage) == []


async def left_over(stage: Stage) -> list[str]:
    """Files that are no longer needed."""
    known = {blob.key for blob in await Blob.all()}
    folders = (stage.root / "blobs" / "staging", stage.root / "scratch", stage.root / "blobs" / "blobs")
    return [str(path.relative_to(stage.root)) for path in files(*folders) if path.name not in known]


def files(*folders: Path) -> list[Path]:
    """Every file in these folders."""
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


async def findings(stage: Stage) -> list[str]:
    """The findings of ``cloudkeep doctor``."""
    store = LocalBlobStore(stage.root / "blobs")
    try:
        return [f"{found.code} {found.subject} {found.text}" async for found in Doctor(store).examine()]
    finally:
        await store.close()


async def all_is_well(stage: Stage, sent: Sent, journey: Journey, upload: Json) -> None:
    """Check everything after the end of the journey."""
    if upload["status"] == "READY":
        await assert_whole(stage.person, upload, sent.content, sent.compress)
        wanted = FILES.get(journey, 1)
        async with stage.database():
            made = await FileVersion.filter(item__name__startswith=stage.name).count()
            assert made == wanted, f"{made} files of one upload"
            assert await Blob.filter(sha256=digest(sent.content)).count() == 1
    await nothing_is_left(stage)
    # The server still works, without help.
    await eventually(lambda: is_ready(stage), PATIENCE_SECONDS)
