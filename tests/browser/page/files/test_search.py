"""People search for files, and find what they have starred."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.page.support.drive import STAR, TRASH, new_file, new_folder, signed_in
from tests.browser.page.support.person import Person
from tests.support.server import Api
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def api(shared: SharedServer) -> AsyncIterator[Api]:
    """A user with a drive of their own."""
    async with another_user(shared) as user:
        yield user


async def test_what_is_typed_is_searched_for_after_a_pause(person: Person, api: Api) -> None:
    folder = await new_folder(api, "Films")
    await new_file(api, "summer.txt", parent_id=folder)
    await new_file(api, "winter.txt")
    await signed_in(person, api)
    await person.press("/")
    await person.is_at("searchbox", "Search your files")
    await person.write("summer")
    await person.arrives("/search?q=summer")
    await person.reads("Results for “summer”")
    await person.reads("Films")
    await person.no_longer_reads("winter.txt")
    await person.is_at("searchbox", "Search your files")


async def test_a_search_without_hits_says_so_and_can_be_limited(person: Person, api: Api) -> None:
    await new_file(api, "summer.txt")
    await signed_in(person, api, "/search?q=autumn")
    await person.reads("Nothing matches “autumn”.")
    await person.open("/search?q=summer")
    await person.reads("summer.txt")
    await person.click("button", "Kind: Any kind")
    await person.click("menuitemradio", "Videos")
    await person.arrives("/search?q=summer&kind=video")
    await person.reads("Nothing of this kind or size was found.")
    await person.click("button", "Show everything")
    await person.reads("summer.txt")


async def test_going_back_shows_the_search_again(person: Person, api: Api) -> None:
    await new_file(api, "summer.txt")
    await signed_in(person, api, "/search?q=summer")
    await person.reads("summer.txt")
    await person.click("link", "Trash")
    await person.is_at("heading", "Trash")
    await person.tab.run("history.back()")
    await person.arrives("/search?q=summer")
    await person.reads("summer.txt")


async def test_stars_of_all_folders_are_listed_and_follow_changes(person: Person, api: Api) -> None:
    folder = await new_folder(api, "Films")
    file = await new_file(api, "below.txt", parent_id=folder)
    await signed_in(person, api, "/starred")
    await person.reads("Nothing has a star yet.")
    await api.data(STAR, id=file)
    await person.reads("below.txt")
    await api.data(TRASH, ids=[file])
    await person.reads("Nothing has a star yet.")
