"""Uploads while much else happens: the person goes elsewhere, the server is replaced, the line is slow."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.browser.page.support.drive import new_file
from tests.browser.page.support.gestures import choose_files, drop_files
from tests.browser.page.support.person import Person
from tests.browser.page.support.screen import slow
from tests.browser.page.support.sending import (
    ASKS,
    TWO_CHUNKS_AND_MORE,
    arrives_whole,
    cut_in_the_middle,
    is_cut,
)
from tests.support.faults.stalling_link import StallingLink
from tests.support.process import ServeProcess
from tests.support.server import PASSWORD, Api, digest
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

VERSIONS = "query ($id: ID!) { file(id: $id) { sha256 versions { nodes { number } } } }"
CLOSE_OTHERS = "mutation { revokeOtherSessions { userErrors { code } } }"


async def test_a_new_version_goes_on_when_its_page_is_left(
    person: Person, api: Api, link: StallingLink, film: Path
) -> None:
    file = await new_file(api, "cut.bin")
    await person.open(f"/file/{file}")
    await person.sees("heading", "cut.bin")
    await person.press("i")
    await person.sees("button", "Upload a new version")
    link.die_after(TWO_CHUNKS_AND_MORE)
    await choose_files(person, film)
    await person.reads("New version · Uploading")
    await is_cut(link)
    await person.press("Escape")
    await person.click("button", "Pause: cut.bin")
    await link.revive()
    await person.click("link", "Files")
    await person.sees("link", "cut.bin")
    assert await person.tab.run(ASKS)
    await person.click("button", "Resume: cut.bin")
    await person.reads("1 upload is done")
    found = await api.data(VERSIONS, id=file)
    assert found["sha256"] == digest(film.read_bytes())
    assert [version["number"] for version in found["versions"]["nodes"]] == [2, 1]


async def test_a_server_that_is_replaced_in_the_middle_is_not_noticed(
    person: Person, api: Api, server: ServeProcess, link: StallingLink, film: Path
) -> None:
    await cut_in_the_middle(person, link, film)
    before = server.child("api").pid
    os.kill(server.pid, signal.SIGUSR1)

    async def is_replaced() -> bool:
        children = psutil.Process(server.pid).children()
        return any("api" in child.cmdline() and child.pid != before for child in children)

    await eventually(is_replaced, 60)
    await link.revive()
    await person.reads("1 upload is done")
    await arrives_whole(api, film)


async def test_a_slow_line_shows_how_far_it_is(person: Person, api: Api, tmp_path: Path) -> None:
    note = tmp_path / "note.bin"
    note.write_bytes(os.urandom(900_000))
    async with slow(person.tab, 300_000):
        await drop_files(person, note)
        await person.reads("kB/s")
        await person.reads("left")
    await arrives_whole(api, note)
    await person.reads("1 upload is done")


async def test_an_upload_goes_on_when_its_session_has_ended_and_the_person_signs_in_again(
    person: Person, api: Api, link: StallingLink, film: Path
) -> None:
    await cut_in_the_middle(person, link, film)
    await api.data(CLOSE_OTHERS)
    await link.revive()
    await person.sees("dialog", "You were signed out")
    await person.fill("Password", PASSWORD)
    await person.press("Enter")
    await person.reads("1 upload is done")
    await arrives_whole(api, film)
