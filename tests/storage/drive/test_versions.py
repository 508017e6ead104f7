"""Rows of versions and renditions, always with the blobs behind them."""

from uuid import uuid4

import pytest

from storage.accounts.models import Account
from storage.drive import versions
from storage.drive.models import Blob, FileVersion, Rendition, RenditionKind
from tests.storage.rows import SHA256, new_account, new_version

pytestmark = pytest.mark.usefixtures("database")


async def new_blob() -> Blob:
    return await Blob.create(key=uuid4().hex, size=10, sha256=SHA256)


async def new_file(account: Account | None = None) -> FileVersion:
    account = account or await new_account()
    return await new_version(account.id, await new_blob(), "file", "video/mp4")


async def new_rendition(file: FileVersion) -> Rendition:
    kind = RenditionKind.COMPRESSED_VIDEO
    return await Rendition.create(version=file, kind=kind, mime_type="video/mp4", blob=await new_blob())


async def test_a_file_is_found_with_its_blob() -> None:
    file = await new_file()
    found = await versions.find(file.id)
    assert found
    assert found.blob.key == file.blob.key
    assert await versions.find(uuid4()) is None


async def test_many_files_are_found_by_their_keys() -> None:
    made = {file.id: file for file in [await new_file() for _ in range(3)]}
    found = await versions.find_many([*made, uuid4()])
    assert {key: file.blob.key for key, file in found.items()} == {key: file.blob.key for key, file in made.items()}
    assert await versions.find_many([]) == {}


async def test_a_rendition_is_found_with_its_blob_and_file() -> None:
    rendition = await new_rendition(await new_file())
    found = await versions.find_rendition(rendition.id)
    assert found
    assert (found.blob.key, found.version.id) == (rendition.blob.key, rendition.version_id)
    assert await versions.find_rendition(uuid4()) is None


async def test_renditions_are_grouped_by_file() -> None:
    with_one, with_none = await new_file(), await new_file()
    rendition = await new_rendition(with_one)
    grouped = await versions.renditions_of([with_one.id, with_none.id])
    assert [found.blob.key for found in grouped[with_one.id]] == [rendition.blob.key]
    assert grouped[with_none.id] == []
    assert await versions.renditions_of([]) == {}
