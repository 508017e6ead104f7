"""Zip files: what they contain, in one piece, in parts, and after something has changed."""

import asyncio
import hashlib
import io
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from endpoints.downloads.zips import ZIP_MEMORY_PER_ADDRESS
from services.core.clock import now
from services.core.ids import Prefix, encode
from services.drive.zips import reading
from storage.drive import items
from storage.drive.models import Blob, FileVersion, Item, ItemKind
from storage.jobs.models import Job, JobKind
from tests.endpoints.wire import connect, head
from tests.support.server import Json, key_of
from tests.support.shared_server import SharedServer, another_user
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation ($ids: [ID!]!, $name: String) { createZip(input: {itemIds: $ids, name: $name}) {
    zip { id name size createdAt download { url expiresAt } } userErrors { code field message } } }"""
LARGE = hashlib.shake_256(b"zip").digest(2_000_000)


async def uploaded(shared: SharedServer, content: bytes, name: str, parent: UUID | None = None) -> Json:
    """A file of an upload, perhaps moved into a folder."""
    upload = await shared.api.upload(content, fileName=name)
    await shared.api.frames(upload["id"])
    file: Json = (await shared.api.look(upload["id"]))["file"]
    if parent:
        await Item.filter(id=key_of(file["id"])).update(parent_id=parent)
    return file


async def new_folder(shared: SharedServer, name: str, parent: UUID | None = None) -> Item:
    # The root has the ID of the account.
    account_id = key_of((await shared.api.data("{ root { id } }"))["id"])
    row = items.new_item(account_id, parent or account_id, ItemKind.FOLDER, name, now())
    await row.save(force_create=True)
    return row


def id_of(folder: Item) -> str:
    return encode(Prefix.FOLDER, folder.id)


async def create(shared: SharedServer, *ids: str, name: str | None = None) -> Json:
    """A zip file of these items."""
    result = await shared.api.data(CREATE, ids=list(ids), name=name)
    assert result["userErrors"] == []
    made: Json = result["zip"]
    return made


async def refusal(shared: SharedServer, *ids: str, name: str | None = None) -> Json:
    result = await shared.api.data(CREATE, ids=list(ids), name=name)
    assert result["zip"] is None
    (error,) = result["userErrors"]
    return {"code": error["code"], "field": error["field"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def folder(shared: SharedServer) -> Item:
    """A folder with a file, an empty folder, a trashed file, and a folder with a larger file."""
    top = await new_folder(shared, "Fotos 📷")
    inner = await new_folder(shared, "inner", top.id)
    await new_folder(shared, "empty", top.id)
    await uploaded(shared, b"one", "a.txt", top.id)
    await uploaded(shared, LARGE, "large.bin", inner.id)
    trashed = await uploaded(shared, b"old", "old.txt", top.id)
    await Item.filter(id=key_of(trashed["id"])).update(trashed_at=now())
    return top


CONTENTS = {
    "Fotos 📷/": b"",
    "Fotos 📷/empty/": b"",
    "Fotos 📷/inner/": b"",
    "Fotos 📷/inner/large.bin": LARGE,
    "Fotos 📷/a.txt": b"one",
}


def contents(response: httpx.Response) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


async def test_a_zip_file_has_the_folder_with_everything_in_it_but_the_trash(
    shared: SharedServer, folder: Item
) -> None:
    made = await create(shared, id_of(folder))
    response = await shared.http.get(made["download"]["url"])
    assert (response.status_code, len(response.content)) == (200, made["size"])
    assert contents(response) == CONTENTS
    assert list(contents(response)) == list(CONTENTS)
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Content-Length"] == str(made["size"])
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert made["name"] == "Fotos 📷.zip"


async def test_any_range_is_that_part_of_the_whole(shared: SharedServer, folder: Item) -> None:
    url = (await create(shared, id_of(folder)))["download"]["url"]
    whole = await shared.http.get(url)
    etag, size = whole.headers["ETag"], len(whole.content)
    assert not etag.startswith("W/")
    for start, end in [(0, 1), (10, 100), (50, 1_500_000), (size - 300, size - 1), (size - 1, size)]:
        headers = {"Range": f"bytes={start}-{end - 1}", "If-Range": etag}
        part = await shared.http.get(url, headers=headers)
        assert (part.status_code, part.content) == (206, whole.content[start:end])
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    other = await shared.http.get(url, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, whole.content)
    behind = await shared.http.get(url, headers={"Range": f"bytes={size}-"})
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{size}")


async def test_head_and_a_known_tag_send_no_bytes(shared: SharedServer, folder: Item) -> None:
    made = await create(shared, id_of(folder))
    url = made["download"]["url"]
    bare = await shared.http.head(url)
    assert (bare.status_code, bare.headers["Content-Length"], bare.content) == (200, str(made["size"]), b"")
    known = await shared.http.get(url, headers={"If-None-Match": bare.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_a_zip_file_stays_as_it_was_when_its_items_change(shared: SharedServer) -> None:
    file = await uploaded(shared, b"first", "changing.txt")
    url = (await create(shared, file["id"]))["download"]["url"]
    before = await shared.http.get(url)
    await Item.filter(id=key_of(file["id"])).update(name="changed.txt", trashed_at=now())
    after = await shared.http.get(url)
    assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])
    assert contents(after) == {"changing.txt": b"first"}


async def test_the_same_content_has_the_same_tag_and_another_one_has_not(shared: SharedServer) -> None:
    file = await uploaded(shared, b"tagged", "tagged.txt")
    first, second = await tag(shared, file["id"]), await tag(shared, file["id"])
    await Item.filter(id=key_of(file["id"])).update(name="renamed.txt")
    assert first == second != await tag(shared, file["id"])


async def tag(shared: SharedServer, file_id: str) -> str:
    url = (await create(shared, file_id))["download"]["url"]
    return (await shared.http.head(url)).headers["ETag"]


async def test_equal_names_from_several_folders_are_made_different(shared: SharedServer) -> None:
    folders = [await new_folder(shared, f"twin {number}") for number in range(2)]
    files = [await uploaded(shared, b"%d" % number, "Twin.txt", row.id) for number, row in enumerate(folders)]
    made = await create(shared, *(file["id"] for file in files), name="twins")
    assert made["name"] == "twins.zip"
    assert contents(await shared.http.get(made["download"]["url"])) == {"Twin.txt": b"0", "Twin (2).txt": b"1"}


async def test_an_item_inside_another_one_is_there_once(shared: SharedServer, folder: Item) -> None:
    inner = await Item.get(parent_id=folder.id, name="inner")
    made = await create(shared, id_of(inner), id_of(folder), id_of(inner))
    assert contents(await shared.http.get(made["download"]["url"])) == CONTENTS


async def test_the_whole_drive_can_be_one_zip_file(shared: SharedServer, folder: Item) -> None:
    root = await shared.api.data("{ root { id } }")
    made = await create(shared, root["id"])
    found = contents(await shared.http.get(made["download"]["url"]))
    assert {f"My drive/{name}" for name in CONTENTS} <= found.keys()


async def test_an_item_in_the_trash_or_of_another_account_is_not_found(shared: SharedServer, folder: Item) -> None:
    inner = await Item.get(parent_id=folder.id, name="inner")
    above = await new_folder(shared, "above")
    below = await new_folder(shared, "below", above.id)
    await Item.filter(id=above.id).update(trashed_at=now())
    not_found = {"code": "NOT_FOUND", "field": ["input", "itemIds", "1"]}
    assert await refusal(shared, id_of(inner), id_of(above)) == not_found
    assert await refusal(shared, id_of(inner), id_of(below)) == not_found
    assert await refusal(shared, id_of(inner), encode(Prefix.FILE, inner.id)) == not_found
    async with another_user(shared) as other:
        result = await other.data(CREATE, ids=[id_of(folder)], name=None)
        assert [error["code"] for error in result["userErrors"]] == ["NOT_FOUND"]


async def test_no_items_and_too_many_items_are_refused(shared: SharedServer, folder: Item) -> None:
    invalid = {"code": "INVALID_INPUT", "field": ["input", "itemIds"]}
    assert await refusal(shared) == invalid
    assert await refusal(shared, *[id_of(folder)] * 101) == invalid
    assert (await refusal(shared, id_of(folder), name="a/b"))["code"] == "INVALID_INPUT"


async def test_the_zip_file_of_a_stranger_is_not_shown(shared: SharedServer, folder: Item) -> None:
    made = await create(shared, id_of(folder))
    query = "query ($id: ID!) { node(id: $id) { id ... on Zip { name download { url expiresAt } } } }"
    mine = await shared.api.data(query, id=made["id"])
    assert mine["download"] == made["download"]
    async with another_user(shared) as other:
        assert await other.data(query, id=made["id"]) is None


async def test_a_file_without_a_crc32_is_computed_first(shared: SharedServer) -> None:
    file = await uploaded(shared, b"old blob", "old.bin")
    blob_id = (await FileVersion.get(item_id=key_of(file["id"]))).blob_id
    await Blob.filter(id=blob_id).update(crc32=None)
    answer = await shared.api.call(CREATE, ids=[file["id"]], name=None)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "CHECKSUMS_PENDING"
    assert error["extensions"]["retryAfter"] >= 2
    await eventually(lambda: Blob.get_or_none(id=blob_id, crc32=zlib.crc32(b"old blob")))
    url = (await create(shared, file["id"]))["download"]["url"]
    assert contents(await shared.http.get(url)) == {"old.bin": b"old blob"}
    assert not await Job.exists(kind=JobKind.CHECKSUM, subject_id=blob_id)


async def test_bytes_that_have_changed_are_not_given_a_crc32(shared: SharedServer) -> None:
    file = await uploaded(shared, b"intact", "damaged.bin")
    blob = (await FileVersion.get(item_id=key_of(file["id"])).select_related("blob")).blob
    await Blob.filter(id=blob.id).update(crc32=None)
    blob_path(shared, blob.key).write_bytes(b"broken")
    assert (await shared.api.call(CREATE, ids=[file["id"]], name=None))["errors"]
    await eventually(lambda: Job.get_or_none(kind=JobKind.CHECKSUM, subject_id=blob.id, state="FAILED"))
    assert (await refusal(shared, file["id"]))["code"] == "CONTENT_LOST"


async def test_a_zip_file_whose_bytes_are_lost_ends_the_connection_and_then_says_so(shared: SharedServer) -> None:
    folder = await new_folder(shared, "lost")
    await uploaded(shared, LARGE, "a.bin", folder.id)
    lost = await uploaded(shared, LARGE, "b.bin", folder.id)
    made = await create(shared, id_of(folder))
    version = await FileVersion.get(item_id=key_of(lost["id"])).select_related("blob")
    await Blob.filter(id=version.blob_id).update(key="gone")
    # Both files have the same bytes, but each upload has its own blob.
    blob_path(shared, version.blob.key).unlink()
    with pytest.raises(httpx.RemoteProtocolError):
        await shared.http.get(made["download"]["url"])
    response = await shared.http.get(made["download"]["url"])
    assert (response.status_code, response.json()["code"]) == (410, "CONTENT_LOST")


async def test_a_range_that_begins_in_lost_bytes_is_gone(shared: SharedServer) -> None:
    lost = await uploaded(shared, b"lost bytes", "lost.bin")
    made = await create(shared, lost["id"])
    version = await FileVersion.get(item_id=key_of(lost["id"])).select_related("blob")
    blob_path(shared, version.blob.key).unlink()
    response = await shared.http.get(made["download"]["url"], headers={"Range": "bytes=50-"})
    assert (response.status_code, response.json()["code"]) == (410, "CONTENT_LOST")


async def test_a_forged_or_expired_url_opens_nothing(shared: SharedServer, folder: Item) -> None:
    url = httpx.URL((await create(shared, id_of(folder)))["download"]["url"])
    for forged in (url.copy_set_param("expires", "9999999999"), url.copy_remove_param("signature")):
        assert (await shared.http.get(forged)).status_code == 403


async def test_the_oldest_zip_file_goes_when_an_account_has_too_many(
    shared: SharedServer, folder: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.drive.zips.zips.KEPT", 2)
    made = [await create(shared, id_of(folder)) for _ in range(3)]
    statuses = [(await shared.http.head(zip_["download"]["url"])).status_code for zip_ in made]
    assert statuses == [410, 200, 200]


async def test_lists_of_entries_take_no_more_memory_than_an_address_may_have(
    shared: SharedServer, folder: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (await create(shared, id_of(folder)))["download"]["url"]
    with monkeypatch.context() as patch:
        patch.setattr(reading, "ENTRY_OVERHEAD", ZIP_MEMORY_PER_ADDRESS)
        response = await shared.http.get(url)
    assert (response.status_code, response.json()["code"]) == (503, "TOO_MANY_CONNECTIONS")
    assert response.headers["Retry-After"] == "10"
    assert (await shared.http.get(url)).status_code == 200


async def test_a_download_that_is_given_up_frees_its_file(shared: SharedServer) -> None:
    large = await uploaded(shared, os.urandom(20_000_000), "endless.bin")
    url = (await create(shared, large["id"]))["download"]["url"]
    async with connect(shared.url) as wire:
        await wire.send(head("GET", url))
        await until(lambda: open_blobs(shared) == 1)
        wire.reset()
    await until(lambda: open_blobs(shared) == 0)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def open_blobs(shared: SharedServer) -> int:
    """How many descriptors of this process, which is the server's, lead to blobs."""
    blobs = f"{shared.settings.data_dir}/blobs/blobs/"
    return sum(target.startswith(blobs) for target in map(descriptor_target, os.listdir("/proc/self/fd")))


def descriptor_target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return ""


def blob_path(shared: SharedServer, key: str) -> Path:
    return shared.settings.data_dir / "blobs" / "blobs" / key[-2:] / key[-4:-2] / key
