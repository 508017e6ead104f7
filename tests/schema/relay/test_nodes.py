"""``node`` loads every object of the viewer by its ID, with at most one query."""

import logging
from datetime import timedelta
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.ids import Prefix, encode
from storage.drive.models import Blob, Rendition, RenditionKind, Zip
from tests.storage.rows import new_version
from tests.support.server import Api, digest, key_of

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"


async def own_ids(api: Api) -> dict[str, str]:
    """The ID of an object of each type that belongs to the user."""
    upload = await api.upload(b"x")
    account = (await api.data("{ me { id } }"))["id"]
    blobs = [await Blob.create(key=f"{account}-{number}", size=1, sha256=digest(b"x")) for number in range(2)]
    file = await new_version(key_of(account), blobs[0], "a", "video/mp4")
    rendition = await Rendition.create(
        version=file, kind=RenditionKind.COMPRESSED_VIDEO, mime_type="video/mp4", blob=blobs[1]
    )
    return {
        "Account": account,
        "Upload": upload["id"],
        "File": encode(Prefix.FILE, file.item_id),
        "FileVersion": encode(Prefix.VERSION, file.id),
        "Folder": encode(Prefix.FOLDER, key_of(account)),
        "Rendition": encode(Prefix.RENDITION, rendition.id),
        "Zip": encode(Prefix.ZIP, (await new_zip(key_of(account))).id),
    }


async def new_zip(account_id: UUID) -> Zip:
    return await Zip.create(
        account_id=account_id, name="a.zip", size=22, etag="-", entries=b"-", expires_at=now() + timedelta(days=1)
    )


async def test_a_zip_file_that_has_expired_has_no_node(api: Api) -> None:
    row = await new_zip(key_of((await api.data("{ me { id } }"))["id"]))
    await Zip.filter(id=row.id).update(expires_at=now())
    assert await api.data(NODE, id=encode(Prefix.ZIP, row.id)) is None


async def test_a_node_of_every_type_is_loaded_by_its_id(api: Api) -> None:
    for kind, node_id in (await own_ids(api)).items():
        assert await api.data(NODE, id=node_id) == {"__typename": kind, "id": node_id}


async def test_a_node_of_another_account_does_not_exist(api: Api, other: Api) -> None:
    for node_id in (await own_ids(api)).values():
        assert await other.data(NODE, id=node_id) is None


@pytest.mark.parametrize(
    "node_id",
    ["", "x", "upload_", "folder_00000000000000000000000000", *(encode(prefix, UUID(int=1)) for prefix in Prefix)],
    ids=["empty", "x", "no suffix", "unknown prefix", *(prefix.value for prefix in Prefix)],
)
async def test_an_unknown_id_has_no_node(api: Api, node_id: str) -> None:
    assert await api.data(NODE, id=node_id) is None


async def test_an_id_of_one_type_is_not_found_by_fields_of_another(api: Api) -> None:
    ids = await own_ids(api)
    assert await api.data("query ($id: ID!) { file(id: $id) { id } }", id=ids["Upload"]) is None
    assert await api.data("query ($id: ID!) { upload(id: $id) { id } }", id=ids["File"]) is None
    assert await api.data(NODE, id=ids["File"].replace("file_", "upload_")) is None
    assert await api.data(NODE, id=str(key_of(ids["File"]))) is None


async def test_a_node_costs_one_query_or_two_with_the_folders_above_it(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    ids = await own_ids(api)
    for kind, most in {"Account": 0, "Upload": 1, "File": 2, "FileVersion": 2, "Folder": 2, "Rendition": 2}.items():
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="tortoise.db_client"):
            await api.data(NODE, id=ids[kind])
        assert len([record for record in caplog.records if record.name == "tortoise.db_client"]) == most, kind
