"""The profile as a client changes it."""

import pytest
import pytest_asyncio

from tests.schema.accounts.credentials import UPDATE_PROFILE, as_session, codes, join
from tests.support.server import Json
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def session(shared: SharedServer) -> Json:
    """The session of a new user."""
    return (await join(shared))[1]


async def test_the_name_and_the_language_can_be_changed(shared: SharedServer, session: Json) -> None:
    changed = await as_session(shared, session, UPDATE_PROFILE, userName=" Ada  King ", locale="pt_BR")
    assert changed == {"account": {"userName": "Ada King", "locale": "pt-BR"}, "userErrors": []}


async def test_what_is_left_out_stays(shared: SharedServer, session: Json) -> None:
    await as_session(shared, session, UPDATE_PROFILE, userName="Ada King", locale="de")
    assert (await as_session(shared, session, UPDATE_PROFILE, userName="Ada"))["account"] == {
        "userName": "Ada",
        "locale": "de",
    }
    assert (await as_session(shared, session, UPDATE_PROFILE, locale="fr"))["account"]["userName"] == "Ada"
    assert (await as_session(shared, session, UPDATE_PROFILE))["account"] == {"userName": "Ada", "locale": "fr"}


async def test_a_language_that_is_null_is_that_of_the_server(shared: SharedServer, session: Json) -> None:
    await as_session(shared, session, UPDATE_PROFILE, locale="de")
    assert (await as_session(shared, session, UPDATE_PROFILE, locale=None))["account"]["locale"] is None


async def test_every_wrong_field_is_named_and_nothing_is_changed(shared: SharedServer, session: Json) -> None:
    await as_session(shared, session, UPDATE_PROFILE, userName="Ada", locale="de")
    for name, locale in (("", ""), ("\u200b", "d"), ("x" * 101, "de-" * 20), ("A\u202eda", "../../etc")):
        payload = await as_session(shared, session, UPDATE_PROFILE, userName=name, locale=locale)
        assert [error["field"] for error in payload["userErrors"]] == [["input", "userName"], ["input", "locale"]]
        assert set(codes(payload)) == {"INVALID_INPUT"}
    assert (await as_session(shared, session, UPDATE_PROFILE))["account"] == {"userName": "Ada", "locale": "de"}
