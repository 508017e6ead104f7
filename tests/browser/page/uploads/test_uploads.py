"""Files are dropped on the page and arrive whole, whatever happens on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.devtools import Tab
from tests.browser.page.support.gestures import choose_files, drop_files
from tests.browser.page.support.person import Person
from tests.browser.page.support.sending import ASKS, CHUNK, arrives_whole, cut_in_the_middle, in_front_of
from tests.browser.page.support.tabs import another_tab
from tests.e2e.conftest import sign_up
from tests.support.backends.databases import Databases, empty_one
from tests.support.faults.disk import fill, on_a_small_disk
from tests.support.faults.stalling_link import StallingLink
from tests.support.process import ServeProcess, serving
from tests.support.server import Api, http_client

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: As in browsers that lead to no file after a reload.
NO_HANDLES = "delete DataTransferItem.prototype.getAsFileSystemHandle"
SMALL_DISK = 160 * 1024


async def test_dropped_files_are_done_and_show_up_in_another_tab(person: Person, api: Api, tmp_path: Path) -> None:
    paths = [tmp_path / f"note {number}.txt" for number in range(5)]
    for path in paths:
        path.write_text(path.name)
    async with another_tab(person.tab) as second:
        other = Person(second, person.origin)
        await other.open("/")
        await other.sees("button", "Upload")
        await drop_files(person, *paths)
        await person.reads("5 uploads are done")
        await person.sees("link", "note 3.txt")
        for path in paths:
            await other.reads(path.name)
            await arrives_whole(api, path)
    assert not await person.tab.run(ASKS)


async def test_a_cut_line_and_a_server_that_starts_again_only_take_time(
    person: Person, api: Api, server: ServeProcess, link: StallingLink, film: Path
) -> None:
    await cut_in_the_middle(person, link, film)
    assert await person.tab.run(ASKS)
    server.child("api").kill()
    await link.revive()
    await person.reads("1 upload is done")
    await arrives_whole(api, film)
    assert not await person.tab.run(ASKS)


async def test_a_page_that_is_loaded_again_goes_on_with_the_same_file_only(
    person: Person, api: Api, link: StallingLink, film: Path, tmp_path: Path
) -> None:
    await person.tab.run(NO_HANDLES)
    await cut_in_the_middle(person, link, film)
    await person.click("button", "Pause: film.bin")
    await person.reads("Paused")
    await link.revive()
    await person.reload()
    await person.reads("1 file to choose again")
    assert not await person.tab.run(ASKS)
    stranger = tmp_path / "elsewhere" / "film.bin"
    stranger.parent.mkdir()
    stranger.write_bytes(b"x" * film.stat().st_size)
    await choose_files(person, stranger)
    await person.reads("This is a different file.")
    before = link.sent
    await choose_files(person, film)
    await person.reads("1 upload is done")
    await arrives_whole(api, film)
    # The proof is the smallest chunk, or one that the server has; the others are not sent again.
    assert link.sent - before < 2 * CHUNK + 1_000_000
    await person.reload()
    await person.sees("button", "Upload")
    await person.no_longer_reads("to choose again")


async def test_a_cancelled_upload_leaves_nothing(person: Person, api: Api, link: StallingLink, film: Path) -> None:
    await cut_in_the_middle(person, link, film)
    await person.click("button", "Pause: film.bin")
    await link.revive()
    await person.click("button", "Cancel: film.bin")
    await person.reads("Cancelled")
    assert not await person.tab.run(ASKS)
    storage = await api.data("{ me { storage { used reserved } } }")
    assert [int(storage["storage"][name]) for name in ("used", "reserved")] == [0, 0]


async def test_who_signs_out_while_files_are_sent_is_asked(person: Person, link: StallingLink, film: Path) -> None:
    await cut_in_the_middle(person, link, film)
    await person.click("button", "Pause: film.bin")
    await link.revive()
    await person.click("button", "Sign out")
    await person.reads("1 file will not be finished if you sign out now.")
    await person.click("button", "Stay signed in")
    await person.reads("Paused")
    await person.click("button", "Sign out")
    await person.is_at("button", "Stay signed in")
    await person.click("button", "Sign out")
    await person.sees("button", "Sign in")
    await person.no_longer_reads("film.bin")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where the small disk is."""
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture
def small(dist: Path, disk: Path, databases: Databases) -> Iterator[ServeProcess]:
    """A server with a small disk of its own."""
    prefix = on_a_small_disk(disk, SMALL_DISK)
    with empty_one(databases, disk) as url, serving(disk, None, prefix, CLOUDKEEP_DATABASE_URL=url) as process:
        yield process


@pytest.mark.sqlite
async def test_a_full_disk_is_told_and_goes_on_by_itself(
    tab: Tab, small: ServeProcess, disk: Path, tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("a note")
    async with http_client(small.url, timeout=60) as http:
        api = await sign_up(http, small)
        async with in_front_of(tab, small.url, api) as person:
            filler = Path(f"/proc/{small.pid}/root{disk / 'filler'}")
            fill(filler)
            await drop_files(person, note)
            await person.reads("The disk is full")
            filler.unlink()
            await person.reads("1 upload is done")
            await arrives_whole(api, note)


async def test_a_used_up_budget_is_a_short_pause(tab: Tab, dist: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"note {number}.txt" for number in range(12)]
    for path in paths:
        # Too large for a group, which would cost less.
        path.write_text(path.name * 8000)
    # So few points that they are not there again by the time they are needed, however slow the machine is.
    with serving(tmp_path / "data", CLOUDKEEP_BUDGET_ACCOUNT="600/20") as server:
        async with http_client(server.url, timeout=60) as http:
            api = await sign_up(http, server)
            async with in_front_of(tab, server.url, api) as person:
                await drop_files(person, *paths)
                await person.reads("A short pause")
                await person.reads("12 uploads are done")
