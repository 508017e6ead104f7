"""GraphiQL runs operations, follows subscriptions, shows prices and sends files, and loads nothing from elsewhere."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.page.support.graphiql import GraphiQL
from tests.browser.page.support.person import Person
from tests.support.server import PASSWORD, otp_of
from tests.support.shared_server import SharedServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOUR = ["Register", "VerifyOtp", "Login", "InitUpload", "Slots", "Progress", "UploadedFile", "Drive"]
NEWCOMER = json.dumps(
    {"input": {"userId": "newcomer", "userName": "New", "email": "newcomer@example.org", "password": PASSWORD}}
)
#: Every host that the page has asked for anything.
HOSTS = "[...new Set(performance.getEntriesByType('resource').map(({ name }) => new URL(name).host))]"
STORED = "[...Object.values(localStorage), ...Object.values(sessionStorage), location.href].join()"
TABS = "[...document.querySelectorAll('.graphiql-tab-button')].map((tab) => tab.innerText)"


@pytest_asyncio.fixture(loop_scope="module")
async def graphiql(person: Person) -> AsyncIterator[GraphiQL]:
    """GraphiQL, as it looks at first. Nothing in it was refused, and it has asked no other server for anything."""
    shown = GraphiQL(person)
    await shown.open()
    yield shown
    assert await shown.tab.run("window.violations") == []
    assert await shown.tab.run(HOSTS) == [person.origin.removeprefix("http://")]


async def test_the_tour_leads_from_an_account_to_a_file_in_the_drive(
    graphiql: GraphiQL, person: Person, shared: SharedServer, tmp_path: Path
) -> None:
    file = tmp_path / "holiday.bin"
    file.write_bytes(bytes(100_000))
    assert await graphiql.tab.run(TABS) == TOUR
    mails = len(shared.sink.mails)
    await graphiql.write("Variables", NEWCOMER)
    await graphiql.run('"expiresAt"')
    await eventually(lambda: has_more(shared.sink.mails, mails))
    await graphiql.choose("VerifyOtp")
    variables = await graphiql.variables()
    variables["input"]["otp"] = otp_of(shared.sink)
    await graphiql.write("Variables", json.dumps(variables))
    await graphiql.run('"userId": "newcomer"')

    await graphiql.choose("InitUpload")
    await graphiql.drop(str(file))
    await person.reads("Run the operation: then the bytes are sent.")
    await graphiql.run('"status": "RECEIVING"')
    await person.reads("Sent.")
    await graphiql.choose("Progress")
    await graphiql.run('"stage": "READY"')
    await graphiql.choose("UploadedFile")
    await graphiql.run('"name": "holiday.bin"')
    await graphiql.choose("Drive")
    await graphiql.run('"path": "/holiday.bin"')
    assert PASSWORD not in await graphiql.tab.run(STORED)


async def test_a_subscription_has_the_token_of_the_header_editor(
    graphiql: GraphiQL, person: Person, shared: SharedServer
) -> None:
    upload = await shared.api.init(b"abc")
    token = shared.api.http.headers["Authorization"]
    await graphiql.choose("Progress")
    await graphiql.write("Variables", json.dumps({"uploadId": upload["id"]}))
    await graphiql.run('"code": "UNAUTHENTICATED"')
    await person.click("button", "Headers")
    await graphiql.write("Headers", json.dumps({"Authorization": token}))
    await graphiql.run('"stage": "RECEIVING"')
    await shared.api.put(upload["slots"]["nodes"][0], b"abc")
    await graphiql.answers('"stage": "READY"')
    assert token not in await graphiql.tab.run(STORED)


async def test_a_subscription_has_the_cookie_and_ends_with_its_websocket_when_it_is_stopped(
    graphiql: GraphiQL, person: Person, shared: SharedServer
) -> None:
    user_id = (await shared.api.data("{ me { userId } }"))["userId"]
    upload = await shared.api.init(b"abc")
    await graphiql.choose("Login")
    sign_in = {"userId": user_id, "password": PASSWORD, "cookies": True}
    await graphiql.write("Variables", json.dumps({"input": sign_in}))
    await graphiql.run(f'"userId": "{user_id}"')
    await graphiql.choose("Progress")
    await graphiql.write("Variables", json.dumps({"uploadId": upload["id"]}))
    await graphiql.run('"stage": "RECEIVING"')
    assert await websockets_of(shared) == 1
    await person.click("button", "Stop query (Ctrl-Enter)")
    await eventually(lambda: has_no_websocket(shared))


async def test_the_price_of_what_is_typed_is_shown_field_by_field(graphiql: GraphiQL, person: Person) -> None:
    await person.click("button", "Show Cost")
    await person.reads("Your address, without a sign-in")
    await graphiql.choose("Drive")
    await graphiql.write("Operation Editor", "{ uploads(first: 50) { nodes { id file { renditions { size } } } } }")
    await person.reads("Price: 253 points")
    await person.reads("uploads.nodes.file.renditions")
    await graphiql.write("Operation Editor", "{ uploads(first: 50) { nothing } }")
    await person.no_longer_reads("Price: 253 points")


async def has_more(items: Sequence[object], count: int) -> bool:
    return len(items) > count


async def has_no_websocket(shared: SharedServer) -> bool:
    return await websockets_of(shared) == 0


async def websockets_of(shared: SharedServer) -> int:
    """The WebSockets that are open."""
    metrics = (await shared.http.get("/metrics")).text
    found = re.search(r"^cloudkeep_websockets_open (\d+)", metrics, re.MULTILINE)
    assert found
    return int(found[1])
