"""Plain HTTP and graphql-ws, with the code of docs/clients.md."""

import asyncio
import json
from shutil import which

import pytest

from bench.harness.programs import run
from services.budgets.errors import RateLimited
from tests.clients.guide.conftest import NAMES, Person
from tests.clients.guide.page import ANY_BLOCK, DOCUMENT, Guide, blocks
from tests.support.server import PASSWORD, Json
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_block_of_the_page_is_a_file_that_tests_run() -> None:
    assert len(blocks()) == len(ANY_BLOCK.findall(DOCUMENT.read_text()))


@pytest.mark.skipif(not which("curl"), reason="there is no curl")
@pytest.mark.parametrize("shell", [shell for shell in ("sh", "bash", "zsh") if which(shell)])
async def test_curl_signs_in_and_lists_files(server: SharedServer, reader: Person, guide: Guide, shell: str) -> None:
    async def answer(script: str, **variables: str) -> Json:
        arguments = [shell, str(guide.folder / script)]
        data: Json = json.loads(await asyncio.to_thread(run, arguments, variables))["data"]
        return data

    signed_in = await answer("sign-in.sh", URL=server.url, NAME=reader.name, PASSWORD=PASSWORD)
    token = signed_in["login"]["session"]["accessToken"]
    listed = await answer("files.sh", URL=server.url, TOKEN=token)
    assert [file["name"] for file in listed["files"]["nodes"]] == NAMES
    created = await answer("api-token.sh", URL=server.url, TOKEN=token)
    listed = await answer("files.sh", URL=server.url, TOKEN=created["createApiToken"]["secret"])
    assert [file["name"] for file in listed["files"]["nodes"]] == NAMES


async def test_a_session_signs_in_or_says_why_not(server: SharedServer, reader: Person, guide: Guide) -> None:
    about = {"url": server.url, "name": reader.name, "password": PASSWORD}
    assert (await guide.run("run-http.js", "signIn", **about))["result"] == reader.name
    assert (await guide.run("run-http.js", "wrongPassword", **about))["result"] == "INVALID_CREDENTIALS"


async def test_requests_whose_token_expired_share_one_refresh(
    server: SharedServer, reader: Person, guide: Guide
) -> None:
    outcome = await guide.run("run-http.js", "renew", url=server.url, tokens=reader.expired)
    assert (outcome["result"], outcome["refreshes"]) == ([reader.name] * 5, 1)


async def test_a_token_that_expired_by_the_clients_own_clock_is_renewed_before_it_is_sent(
    server: SharedServer, reader: Person, guide: Guide
) -> None:
    tokens = {**reader.tokens, "expiresAt": "2020-01-01T00:00:00+00:00"}
    outcome = await guide.run("run-http.js", "renew", url=server.url, tokens=tokens)
    assert (outcome["result"], outcome["refreshes"]) == ([reader.name] * 5, 1)


async def test_a_session_that_has_ended_is_an_error_with_a_code(
    server: SharedServer, reader: Person, guide: Guide
) -> None:
    outcome = await guide.run("run-http.js", "ended", url=server.url, tokens=reader.expired)
    assert outcome["result"] == "INVALID_CREDENTIALS"


async def test_a_request_waits_while_the_budget_is_used_up(server: SharedServer, reader: Person, guide: Guide) -> None:
    outcome = await guide.run("run-http.js", "wait", url=server.url, tokens=reader.tokens)
    assert 429 in outcome["statuses"]
    assert set(outcome["result"]) == {"NOT_FOUND"}


async def test_pages_are_read_in_both_directions(server: SharedServer, reader: Person, guide: Guide) -> None:
    outcome = await guide.run("run-http.js", "pages", url=server.url, tokens=reader.tokens)
    assert outcome["result"] == [NAMES, NAMES[::-1]]


async def test_a_subscription_goes_on_after_its_token_has_expired(
    server: SharedServer, uploader: Person, guide: Guide
) -> None:
    upload = await uploader.api.init(b"abc")
    outcome = await guide.run("run-http.js", "expiring", url=server.url, tokens=uploader.with_token(10), upload=upload)
    assert (outcome["result"][0], outcome["result"][-1]) == ("RECEIVING", "READY")
    assert (outcome["closes"][0], outcome["refreshes"]) == (4403, 1)


async def test_a_subscription_starts_once_more_when_its_token_was_refused(
    server: SharedServer, uploader: Person, guide: Guide
) -> None:
    upload = await uploader.api.init(b"abc")
    outcome = await guide.run("run-http.js", "refused", url=server.url, tokens=uploader.expired, upload=upload)
    assert outcome["result"][-1] == "READY"
    assert (outcome["closes"][0], outcome["refreshes"]) == (4401, 1)


async def test_a_subscription_goes_on_after_the_budget_was_used_up(
    server: SharedServer, uploader: Person, guide: Guide, one_frame_refused: list[RateLimited]
) -> None:
    upload = await uploader.api.init(b"abc")
    outcome = await guide.run("run-http.js", "refused", url=server.url, tokens=uploader.tokens, upload=upload)
    assert (outcome["result"][0], outcome["result"][-1]) == ("RECEIVING", "READY")
    assert len(one_frame_refused) == 1
