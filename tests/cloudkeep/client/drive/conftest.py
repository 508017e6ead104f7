"""The drive of a new account on a server that the tests of a module share."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import open_http
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import GivenToken
from cloudkeep.client.drive.changes import ensure_folder
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.run import note
from tests.cloudkeep.client.conftest import QUICK
from tests.support.server import Api
from tests.support.shared_server import SharedServer, another_user

INIT = """mutation ($input: InitUploadInput!) { initUpload(input: $input) {
    upload { id status slots(first: 1) { nodes { index offset size url } } file { id } } userErrors { message } } }"""


@pytest_asyncio.fixture(loop_scope="module")
async def owner(shared: SharedServer) -> AsyncIterator[Api]:
    """A new user."""
    async with another_user(shared) as user:
        yield user


@pytest_asyncio.fixture(loop_scope="module")
async def http(shared: SharedServer) -> AsyncIterator[httpx.AsyncClient]:
    """The client's own HTTP client."""
    async with open_http(shared.url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def drive(shared: SharedServer, owner: Api, http: httpx.AsyncClient) -> Drive:
    """The drive of that user."""
    token = owner.http.headers["Authorization"].removeprefix("Bearer ")
    return Drive(Session(GraphQL(http, shared.url), GivenToken(token)), note, QUICK)


async def put(api: Api, drive: Drive, path: str, content: bytes) -> RemoteItem:
    """Store a file at this path, whose folders are created."""
    folder, _, name = path.rpartition("/")
    parent = await ensure_folder(drive, folder or "/")
    upload = await api.upload(content, fileName=name, parentId=parent.id)
    await api.frames(upload["id"])
    return await drive.find(path)


async def paths(drive: Drive) -> list[str]:
    """The paths of everything in the drive."""
    return [item.path async for item in drive.tree(await drive.find("/"))]
