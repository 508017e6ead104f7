"""People look at a file, and at those beside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.page.support.drive import new_file, new_folder, signed_in
from tests.browser.page.support.person import Person
from tests.support.server import Api
from tests.support.shared_server import SharedServer, another_user
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

VERSIONS = "query ($id: ID!) { file(id: $id) { versions { nodes { number } } } }"


@pytest_asyncio.fixture(loop_scope="module")
async def api(shared: SharedServer) -> AsyncIterator[Api]:
    """A user with a drive of their own."""
    async with another_user(shared) as user:
        yield user


async def test_keys_lead_to_the_files_beside_it_in_its_folder(person: Person, api: Api) -> None:
    folder = await new_folder(api, "Texts")
    first = await new_file(api, "a.txt", b"the first text", folder)
    second = await new_file(api, "b.txt", "Zoë".encode("cp1252"), folder)
    await signed_in(person, api, f"/file/{first}")
    await person.reads("the first text")
    await person.sees("link", "Next file")
    await person.press("ArrowRight")
    await person.arrives(f"/file/{second}")
    await person.reads("Zoë")
    await person.is_at("heading", "b.txt")
    await person.press("p")
    await person.arrives(f"/file/{first}")
    await person.click("link", "Back to its folder")
    await person.arrives(f"/f/{folder}")


async def test_a_file_is_renamed_and_put_into_the_trash_and_back(person: Person, api: Api) -> None:
    file = await new_file(api, "draft.txt")
    await signed_in(person, api, f"/file/{file}")
    await person.sees("heading", "draft.txt")
    await person.press("F2")
    await person.write("letter")
    await person.press("Enter")
    await person.sees("heading", "letter.txt")
    await person.is_at("heading", "letter.txt")
    await person.press("Delete")
    await person.reads("This file is in the trash.")
    await person.click("button", "Restore")
    await person.no_longer_reads("This file is in the trash.")


async def test_a_version_is_deleted_after_a_question(person: Person, api: Api) -> None:
    file = await new_file(api, "a.txt", b"the first text")
    await signed_in(person, api, f"/file/{file}")
    await person.reads("the first text")
    await api.upload(b"the new text", fileName="a.txt", conflict="REPLACE")
    await person.reads("the new text")
    await person.press("i")
    await person.reads("Version 2")
    await person.click("button", "Delete for good")
    await person.click("button", "Delete version 1 for good")
    await person.reads("Deleted version 1 for good")
    assert [version["number"] for version in (await api.data(VERSIONS, id=file))["versions"]["nodes"]] == [2]


async def test_an_older_version_is_downloaded_and_made_the_current_one(
    person: Person, api: Api, tmp_path: Path
) -> None:
    file = await new_file(api, "a.txt", b"the first text")
    await api.upload(b"the new text", fileName="a.txt", conflict="REPLACE")
    await signed_in(person, api, f"/file/{file}")
    await person.reads("the new text")
    await person.press("i")
    await person.tab.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    await person.click("button", "Download version 1")
    assert await eventually(lambda: content_of(tmp_path / "a.txt")) == b"the first text"
    await person.click("button", "Restore this version")
    await person.reads("Version 1 is current again")
    await person.reads("the first text")
    assert [version["number"] for version in (await api.data(VERSIONS, id=file))["versions"]["nodes"]] == [3, 2, 1]


async def content_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


async def test_a_file_that_is_not_there_is_said_to_be_missing(person: Person, api: Api) -> None:
    await signed_in(person, api, "/file/file_00000000000000000000000000")
    await person.reads("This file no longer exists.")
    await person.open("/no/such/page")
    await person.sees("heading", "Not found")
