"""Uppy's own S3 plugin uploads from a page of another origin, with nothing but the code of docs/uppy.md."""

import random
from pathlib import Path

from tests.browser.browser import Browser
from tests.browser.site import Site
from tests.support.faults.stalling_link import StallingLink
from tests.support.server import Api, Json, digest, http_client
from tests.support.waiting import eventually

MIB = 1024 * 1024
CHUNK = 5 * MIB  # the least that Uppy sends
CONTENT = random.Random(1).randbytes(12 * CHUNK + 12_345)
CHUNKS = 13
#: Uppy sends up to six chunks at the same time: in any order, one of them is complete by then, and others never arrive.
BEFORE_THE_CUT = 6 * CHUNK + MIB
#: Heads of requests, and GraphQL queries.
AROUND = MIB // 2
UPLOADS = """{ uploads { nodes { id fileName size status chunkSize receivedChunks
  slots(first: 100) { nodes { index size received } } file { sha256 downloadUrl } } } }"""


async def uploads_of(person: Api) -> list[Json]:
    """The user's uploads, newest first."""
    found: list[Json] = (await person.data(UPLOADS))["nodes"]
    return found


async def the_upload_of(person: Api) -> Json:
    """The user's only upload."""
    (found,) = await uploads_of(person)
    return found


def give(site: Site, person: Api, content: bytes, url: str, **more: object) -> None:
    """Have the page upload this as the person, to the server at this URL."""
    token = person.http.headers["Authorization"].removeprefix("Bearer ")
    about = {"name": "holiday.bin", "lastModified": 1_700_000_000_000, "chunkSize": CHUNK}
    site.give(content, url=url, token=token, **about, **more)


async def download(url: str) -> bytes:
    async with http_client(timeout=60) as http:
        return (await http.get(url)).content


def etags(indexes: set[int]) -> dict[int, str]:
    """The ETags that the page must have read from the answers to these chunks."""
    return {index: digest(CONTENT[index * CHUNK :][:CHUNK]) for index in indexes}


def bare(parts: dict[int, str]) -> dict[int, str]:
    """Without the quotation marks, which one version of Uppy removes and the other keeps."""
    return {index: etag.strip('"') for index, etag in parts.items()}


async def interrupted(site: Site, link: StallingLink, browser: Browser, person: Api, profile: Path) -> Json:
    """The upload, after the link failed within a chunk and the browser was killed."""
    link.die_after(BEFORE_THE_CUT)
    with browser.showing(site.url, profile):

        async def stuck() -> bool:
            return link.is_dead and len(site.parts()) == (await the_upload_of(person))["receivedChunks"] > 0

        await eventually(stuck)
    await link.revive()
    return await the_upload_of(person)


async def test_an_upload_that_was_cut_off_continues_in_another_browser_with_what_is_missing(
    site: Site, link: StallingLink, reached: str, browser: Browser, person: Api, tmp_path: Path
) -> None:
    give(site, person, CONTENT, reached)
    upload = await interrupted(site, link, browser, person, tmp_path / "one")
    received = {slot["index"] for slot in upload["slots"]["nodes"] if slot["received"]}
    missing = set(range(CHUNKS)) - received
    assert (upload["status"], upload["chunkSize"]) == ("RECEIVING", CHUNK)
    assert bare(site.parts()).items() <= etags(received).items()

    give(site, person, CONTENT, reached)
    before = link.sent
    with browser.showing(site.url, tmp_path / "another"):
        end = await eventually(site.ended)
    assert bare(site.parts()).items() <= etags(missing).items()
    assert link.sent - before < sum(slot["size"] for slot in upload["slots"]["nodes"] if not slot["received"]) + AROUND

    done = await the_upload_of(person)
    assert (done["id"], done["status"], done["file"]["sha256"]) == (upload["id"], "READY", digest(CONTENT))
    assert await download(end["locations"][0]) == CONTENT


async def test_a_cancelled_upload_is_aborted_and_its_file_can_be_sent_anew(
    site: Site, reached: str, browser: Browser, person: Api, tmp_path: Path
) -> None:
    content = CONTENT[: 9 * CHUNK]  # more than Uppy has under way when the first chunk has arrived

    async def aborted() -> bool:
        return [upload["status"] for upload in await uploads_of(person)] == ["ABORTED"]

    async def begun_anew() -> bool:
        return bool(site.parts())

    give(site, person, content, reached, cancel=1)
    with browser.showing(site.url, tmp_path / "one"):
        await eventually(aborted)
    give(site, person, content, reached)
    with browser.showing(site.url, tmp_path / "another"):
        await eventually(begun_anew)
    new, old = await uploads_of(person)
    assert old["status"] == "ABORTED"
    assert new["receivedChunks"] > 0
