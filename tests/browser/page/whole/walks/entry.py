"""The pages without a session."""

import json
import secrets
from collections.abc import AsyncGenerator

from tests.browser.page.support.accounts import (
    answering,
    close_sessions_elsewhere,
    fill_in_registration,
    sign_in,
    signed_in,
)
from tests.browser.page.whole.walks.visit import Visit
from tests.support.server import Json
from tests.support.shared_server import another_user

CLOSED = 'text.replace(\'"registration":"OPEN"\', \'"registration":"CLOSED"\')'
FAILURE = json.dumps(
    {"data": None, "errors": [{"message": "", "extensions": {"code": "INTERNAL", "requestId": "request-1"}}]}
)


async def signing_in(visit: Visit) -> AsyncGenerator[str, None]:
    """The sign-in, and what keeps somebody out."""
    person = visit.person
    await person.open("/sign-in")
    await person.sees("button", "Sign in")
    yield "sign-in"
    await sign_in(person, "nobody", "a wrong password")
    await person.reads("password is wrong")
    yield "sign-in-refused"
    async with answering(person, json.dumps(FAILURE)):
        await person.open("/")
        await person.reads("request-1")
        yield "nothing-loaded"


async def signing_up(visit: Visit) -> AsyncGenerator[str, None]:
    """A registration until its code is asked for."""
    person = visit.person
    await person.open("/sign-up")
    await person.sees("textbox", "User ID")
    yield "sign-up"
    await person.click("button", "Create an account")
    await person.reads("Choose a user ID.")
    yield "sign-up-with-errors"
    await fill_in_registration(person, f"ada-{secrets.token_hex(4)}")
    await person.sees("textbox", "Code from the e-mail")
    yield "code-waiting"
    await person.fill("Code from the e-mail", "000000")
    await person.press("Enter")
    await person.reads("The code is wrong")
    yield "code-refused"
    async with answering(person, CLOSED):
        await person.tab.run("sessionStorage.clear()")
        await person.open("/sign-up")
        await person.reads("This server takes no new accounts")
        yield "sign-up-closed"


async def resetting(visit: Visit) -> AsyncGenerator[str, None]:
    """A forgotten password."""
    person = visit.person
    await person.open("/reset")
    await person.click("button", "Send a code")
    await person.reads("Enter your e-mail address.")
    yield "reset"
    await person.click("button", "Did somebody else change your address?")
    await person.sees("textbox", "Token from the e-mail")
    yield "reset-address"
    await person.open("/reset")
    await person.fill("E-mail address", "nobody@example.org")
    await person.click("button", "Send a code")
    await person.sees("textbox", "New password")
    yield "reset-code"


async def losing_the_session(visit: Visit) -> AsyncGenerator[str, None]:
    """What comes over the page of somebody who was signed out elsewhere."""
    person = visit.person
    async with another_user(visit.shared) as api:
        user: Json = await api.data("{ me { userId email } }")
        await signed_in(person, user, "/account")
        await close_sessions_elsewhere(visit.shared, user)
        await person.sees("dialog", "You were signed out")
        yield "signed-out-elsewhere"
