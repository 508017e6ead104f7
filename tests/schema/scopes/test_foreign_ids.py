"""An ID of another account gets the same response as one that does not exist, wherever the schema has an ID."""

import json
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import pytest
import pytest_asyncio

from schema.build import build_schema
from schema.roots import NODES
from services.core.clock import now
from services.core.ids import Prefix, encode, prefix_of
from storage.accounts.models import Session
from storage.drive.models import Blob, FileVersion, Rendition, RenditionKind, Zip
from tests.schema.scopes.conftest import Owner
from tests.schema.scopes.foreign import ACCEPTED, Operation, operations
from tests.support.server import digest, key_of, sse_events
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = build_schema().as_graphql()
FOLDER = 'mutation { createFolder(input: {name: "a"}) { folder { id } userErrors { code } } }'
CURSOR = "{ changesCursor }"
CHANGES = "query ($after: String!) { changes(after: $after) { changes { itemId } } }"
NOWHERE = UUID("01940000-0000-7000-8000-000000000001")
#: A fault of the server, or a document that the test has generated wrongly.
DEFECTS = ("INTERNAL", "GRAPHQL_INVALID", "OPERATION_TOO")
#: Fields that accept the ID of no type of ``NODES``: their IDs are secrets of clients without a session.
WITHOUT_NODES = {"emailChangeId", "registrationId", "resetId"}


async def complete(owner: Owner) -> dict[str, str]:
    """The ID of an object of the owner's of every type that ``node`` loads."""
    account = key_of(owner.ids["Account"])
    folder = (await owner.api.data(FOLDER))["folder"]["id"]
    version = await FileVersion.get(item_id=key_of(owner.ids["File"]))
    blob = await Blob.create(key=f"{account}-rendition", size=1, sha256=digest(b"x"), account_id=account)
    rendition = await Rendition.create(
        version=version, kind=RenditionKind.COMPRESSED_VIDEO, mime_type="video/mp4", blob=blob
    )
    at = now()
    archive = await Zip.create(
        account_id=account, name="a.zip", size=22, etag="-", entries=b"-", expires_at=at.replace(year=at.year + 1)
    )
    session = await Session.filter(account_id=account).first()
    assert session
    return {
        **owner.ids,
        "Folder": folder,
        "FileVersion": encode(Prefix.VERSION, version.id),
        "Rendition": encode(Prefix.RENDITION, rendition.id),
        "Zip": encode(Prefix.ZIP, archive.id),
        "Session": encode(Prefix.SESSION, session.id),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def foreign(shared: SharedServer, owner: Owner) -> dict[str, str]:
    """The IDs of the owner's objects, by type."""
    return await complete(owner)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(shared: SharedServer, stranger: Owner) -> dict[str, str]:
    """The IDs of the stranger's objects, by type."""
    return await complete(stranger)


def tried(own: Mapping[str, str]) -> Iterator[Operation]:
    """The operations that concern objects of an account."""
    return (each for each in operations(SCHEMA, own) if each.path[-1] not in WITHOUT_NODES)


async def response_to(viewer: Owner, operation: Operation, public_ids: Sequence[str]) -> str:
    """The response to calls that name these IDs, without the IDs themselves and the price."""
    if operation.kind == "subscription":
        return "".join([await event_of(viewer, operation, public_id) for public_id in public_ids])
    parts = [public_ids[start : start + operation.calls] for start in range(0, len(public_ids), operation.calls)]
    return "".join([await answer_of(viewer, operation, part) for part in parts])


async def answer_of(viewer: Owner, operation: Operation, public_ids: Sequence[str]) -> str:
    """The answer of a query or mutation."""
    body = {"query": operation.text(len(public_ids)), "variables": operation.naming(public_ids)}
    response = await viewer.api.http.post("/graphql", json=body)
    answer = response.json()
    answer.pop("extensions", None)
    return without(f"{response.status_code} {json.dumps(answer)}", public_ids)


async def event_of(viewer: Owner, operation: Operation, public_id: str) -> str:
    """The first event of a subscription."""
    body = {"query": operation.text(1), "variables": operation.naming([public_id])}
    async with viewer.api.http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as stream:
        async for event in sse_events(stream):
            return without(json.dumps(event), [public_id])
    raise AssertionError("no event")


def without(answer: str, public_ids: Sequence[str]) -> str:
    """The answer without the IDs that the client has sent."""
    assert not [code for code in DEFECTS if code in answer], answer
    for public_id in public_ids:
        answer = answer.replace(public_id, "ID")
    return answer


def unknown_like(public_id: str) -> str:
    """An ID of the same type, of an object that does not exist."""
    prefix = prefix_of(public_id)
    assert prefix
    return encode(prefix, NOWHERE)


async def test_every_type_of_object_is_tried(foreign: dict[str, str]) -> None:
    assert foreign.keys() == {kind.type.__name__ for kind in NODES.values()}


async def test_every_id_of_the_schema_is_tried(own: dict[str, str]) -> None:
    found = {operation.path[-1] for operation in operations(SCHEMA, own)}
    assert found == {*ACCEPTED, *WITHOUT_NODES, "id"}, "Add the types of new IDs to ACCEPTED."


async def test_an_id_of_another_account_is_answered_like_one_that_does_not_exist(
    stranger: Owner, own: dict[str, str], foreign: Mapping[str, str]
) -> None:
    # The root of another drive has a known ID, also as that of a file.
    named = [*foreign.values(), *(encode(kind, key_of(foreign["Account"])) for kind in (Prefix.FOLDER, Prefix.FILE))]
    for operation in tried(own):
        expected = await response_to(stranger, operation, [unknown_like(each) for each in named])
        assert await response_to(stranger, operation, named) == expected, operation.name
        assert expected.count("NOT_FOUND") + expected.count("null") >= len(named), f"{operation.name}: {expected}"


async def test_objects_of_the_viewer_are_found_by_the_same_operations(stranger: Owner, own: dict[str, str]) -> None:
    """So a foreign ID is refused because of its account alone."""
    found = {each.name: each for each in operations(SCHEMA, own)}
    for name, kind in {"item(id)": "Folder", "file(id)": "File", "upload(id)": "Upload", "node(id)": "Zip"}.items():
        assert f'"call0": {{"__typename": "{kind}"' in await response_to(stranger, found[name], [own[kind]]), name
    for name in ("moveItems(input.parentId)", "renameItem(input.itemId)", "starItem(input.itemId)"):
        assert "NOT_FOUND" not in await response_to(stranger, found[name], [own["Folder"]]), name


async def test_a_cursor_of_another_account_is_answered_like_an_invented_one(owner: Owner, stranger: Owner) -> None:
    cursor = await owner.api.data(CURSOR)
    invented = f"{cursor[:-1]}{'0' if cursor[-1] != '0' else '1'}"
    answers = [await stranger.api.call(CHANGES, after=each) for each in (cursor, invented)]
    assert answers[0]["errors"] == answers[1]["errors"]
