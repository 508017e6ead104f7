"""urql with authExchange and graphcache, with the code of docs/clients.md."""

import pytest

from tests.clients.guide.conftest import NAMES, Person
from tests.clients.guide.page import Guide
from tests.support.server import Json
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def run(guide: Guide, case: str, server: SharedServer, tokens: Json, **given: object) -> Json:
    """What a case returns, and what was seen. Warnings, such as of a type without a key, fail the test."""
    outcome: Json = await guide.run("run-urql.js", case, url=server.url, tokens=tokens, **given)
    assert outcome["warnings"] == []
    return outcome


async def test_operations_whose_token_expired_share_one_refresh(
    server: SharedServer, reader: Person, guide: Guide
) -> None:
    outcome = await run(guide, "renew", server, reader.expired)
    assert (outcome["result"], outcome["refreshes"]) == ([reader.name] * 3, 1)


async def test_a_session_that_has_ended_is_an_error_with_a_code(
    server: SharedServer, reader: Person, guide: Guide
) -> None:
    assert (await run(guide, "ended", server, reader.expired))["result"] == "INVALID_CREDENTIALS"


async def test_an_operation_waits_while_the_budget_is_used_up(
    server: SharedServer, reader: Person, guide: Guide
) -> None:
    outcome = await run(guide, "wait", server, reader.tokens)
    assert 429 in outcome["statuses"]
    assert set(outcome["result"]) == {"NOT_FOUND"}


async def test_graphcache_joins_the_pages_of_both_directions(
    server: SharedServer, reader: Person, guide: Guide
) -> None:
    forwards = await run(guide, "forwards", server, reader.tokens)
    assert forwards["result"] == [NAMES[:2], NAMES[:4], NAMES]
    backwards = await run(guide, "backwards", server, reader.tokens)
    assert backwards["result"] == [NAMES[-2:], NAMES[-4:], NAMES]


async def test_a_subscription_goes_on_after_its_token_has_expired(
    server: SharedServer, uploader: Person, guide: Guide
) -> None:
    upload = await uploader.api.init(b"abc")
    outcome = await run(guide, "expiring", server, uploader.with_token(10), upload=upload)
    assert outcome["result"][-1] == "READY"
    assert (outcome["closes"][0], outcome["refreshes"]) == (4403, 1)


async def test_an_id_alone_is_the_key_by_which_a_subscription_updates_the_cache(
    server: SharedServer, uploader: Person, guide: Guide
) -> None:
    upload = await uploader.api.init(b"abc")
    result = (await run(guide, "cache", server, uploader.tokens, upload=upload))["result"]
    assert result == {"cached": "READY", "fetched": "READY", "requests": 1}


async def test_graphcache_has_a_key_for_every_type_or_knows_that_it_has_none(
    server: SharedServer, uploader: Person, guide: Guide
) -> None:
    await uploader.api.upload(b"a file")
    upload = await uploader.api.init(b"abc")
    result = (await run(guide, "everything", server, uploader.tokens, upload=upload))["result"]
    assert result["download"].startswith(server.url)
    assert result["status"] == "ABORTED"
