"""People sign up and in, and keep control of their account, on the page."""

import pytest

from tests.browser.page.person import Person
from tests.support.server import PASSWORD
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER_ID = "{ me { userId } }"


async def user_id_of(shared: SharedServer) -> str:
    return str((await shared.api.data(USER_ID))["userId"])


async def sign_in(person: Person, shared: SharedServer) -> None:
    """Sign in as the user of the server, on the page that asks for it."""
    await person.fill("User ID or e-mail address", await user_id_of(shared))
    await person.fill("Password", PASSWORD)
    await person.click("button", "Sign in")


async def test_after_the_sign_in_the_page_is_the_one_that_was_wanted(person: Person, shared: SharedServer) -> None:
    await person.open("/account")
    await sign_in(person, shared)
    await person.sees("link", "Files")
    await person.arrives("/account")
