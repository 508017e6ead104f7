"""People sign up and in, and keep control of their account, on the page."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio

from tests.browser.page.person import Person
from tests.support.clock import Clocks
from tests.support.server import PASSWORD, Api, Json, http_client
from tests.support.shared_server import SharedServer, another_user
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW_PASSWORD = "four unrelated words"
ME = "{ me { userId email userName locale } }"
LOGIN = """mutation ($input: LoginInput!) {
  login(input: $input) { session { accessToken account { userId } } userErrors { code } } }"""
CLOSE_OTHERS = "mutation { revokeOtherSessions { closedSessions userErrors { code } } }"
CODE = re.compile(r"^ +(\d{6})\s*$", re.MULTILINE)
TOKEN = re.compile(r"^ +(\S{20,})\s*$", re.MULTILINE)
OTHER_ANSWERS = """window.tries = 0
const realFetch = window.fetch.bind(window)
window.fetch = async (...request) => {
  const response = await realFetch(...request)
  const text = await response.text()
  return new Response(ANSWER, { status: response.status, headers: response.headers })
}"""
WRONG_CODE = "The code is wrong, was used, or has expired."


@pytest_asyncio.fixture(loop_scope="module")
async def user(shared: SharedServer) -> AsyncIterator[Json]:
    """The account of a user who is not signed in on the page."""
    async with another_user(shared) as api:
        yield await api.data(ME)


async def sign_in(person: Person, name: str, password: str = PASSWORD) -> None:
    """Sign in on the page that asks for it."""
    await person.fill("User ID or e-mail address", name)
    await person.fill("Password", password)
    await person.click("button", "Sign in")


async def signed_in(person: Person, user: Json, path: str = "/") -> None:
    """Show a page as a user."""
    await person.open(path)
    await sign_in(person, user["userId"])
    await person.sees("link", "Files")


async def sign_in_elsewhere(shared: SharedServer, name: str, password: str) -> str | None:
    """The user ID of a new session of another client; None if the password is wrong."""
    session = (await Api(shared.http).data(LOGIN, input={"userId": name, "password": password}))["session"]
    return session and str(session["account"]["userId"])


async def close_sessions_elsewhere(shared: SharedServer, user: Json) -> None:
    """Sign in with another client, which then closes all sessions but its own."""
    answer = await Api(shared.http).data(LOGIN, input={"userId": user["userId"], "password": PASSWORD})
    async with http_client(shared.url) as http:
        http.headers["Authorization"] = f"Bearer {answer['session']['accessToken']}"
        assert (await Api(http).data(CLOSE_OTHERS))["userErrors"] == []


async def code_for(shared: SharedServer, address: str) -> str:
    """The code in the newest mail to an address, which had none before."""

    async def found() -> str | None:
        texts = (mail.text for mail in reversed(shared.sink.mails) if address in mail.recipients)
        return next((code[1] for text in texts if (code := CODE.search(text))), None)

    return await eventually(found)


async def token_for(shared: SharedServer, address: str) -> str:
    """The token that undoes a change of address, in the mail to the old one."""

    async def found() -> str | None:
        texts = (mail.text for mail in shared.sink.mails if address in mail.recipients and "Undo" in mail.text)
        return next((token[1] for text in texts if (token := TOKEN.search(text))), None)

    return await eventually(found)


@asynccontextmanager
async def answering(person: Person, text: str) -> AsyncIterator[None]:
    """Documents that are shown in the block get other answers: ``text``, a script that may use the server's."""
    await person.tab.command("Page.enable")
    command = "Page.addScriptToEvaluateOnNewDocument"
    script = (await person.tab.command(command, source=OTHER_ANSWERS.replace("ANSWER", text)))["identifier"]
    try:
        yield
    finally:
        await person.tab.command("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


async def fill_in_registration(person: Person, name: str) -> None:
    await person.fill("User ID", name)
    await person.fill("Name", "Ada Lovelace")
    await person.fill("E-mail address", f"{name}@example.org")
    await person.fill("Password", NEW_PASSWORD)
    await person.click("button", "Create an account")


async def test_a_new_person_signs_up_and_sees_files(person: Person, shared: SharedServer) -> None:
    name = f"ada-{secrets.token_hex(4)}"
    await person.open("/sign-in")
    await person.click("link", "Create an account")
    await fill_in_registration(person, name)
    code = await code_for(shared, f"{name}@example.org")
    await person.reads(f"A code was sent to {name}@example.org")
    await person.reload()
    await person.is_at("textbox", "Code from the mail")
    await person.fill("Code from the mail", "000000" if code != "000000" else "000001")
    await person.press("Enter")
    await person.reads(WRONG_CODE)
    await person.is_at("textbox", "Code from the mail")
    await person.fill("Code from the mail", f"{code[:3]} {code[3:]}")
    await person.click("button", "Create the account")
    await person.sees("link", "Files")
    await person.arrives("/")
    assert await person.tab.run("sessionStorage.length") == 0
    assert await sign_in_elsewhere(shared, name, NEW_PASSWORD) == name


async def test_what_is_wrong_is_said_at_its_field_which_gets_the_focus(person: Person, user: Json) -> None:
    await person.open("/sign-up")
    await person.click("button", "Create an account")
    await person.is_at("textbox", "User ID")
    for text in ("Choose a user ID.", "Enter a name.", "Enter your e-mail address.", "Choose a password."):
        await person.reads(text)
    await fill_in_registration(person, user["userId"])
    await person.reads("This user ID is taken.")
    await person.is_at("textbox", "User ID")
    await person.no_longer_reads("Enter a name.")


async def test_after_the_sign_in_the_page_is_the_one_that_was_wanted(person: Person, user: Json) -> None:
    await person.open("/account/sessions")
    await sign_in(person, user["userId"], "a wrong password")
    await person.reads("User ID, e-mail address or password is wrong.")
    await person.is_at("textbox", "Password")
    await person.click("link", "Forgotten your password?")
    await person.click("link", "Sign in")
    await sign_in(person, user["email"])
    await person.arrives("/account/sessions")
    await person.reads("Chrome on Linux")
    await person.reads("This browser")


async def test_after_many_wrong_passwords_the_page_counts_the_wait_down(person: Person, user: Json) -> None:
    await person.open("/sign-in")
    waits = "document.body.innerText.includes('You can try again in')"
    while not await person.tab.run(waits):
        await sign_in(person, user["userId"], "a wrong password")
        await person.until(f"!document.querySelector('[aria-disabled]') || {waits}")
    await person.reads("There were too many wrong attempts.")
    await person.no_longer_reads("You can try again in")
    await sign_in(person, user["userId"])
    await person.sees("link", "Files")


async def test_a_forgotten_password_is_replaced(person: Person, shared: SharedServer, user: Json) -> None:
    shared.sink.mails.clear()
    await person.open("/sign-in")
    await person.click("link", "Forgotten your password?")
    await person.fill("E-mail address", user["email"])
    await person.click("button", "Send a code")
    code = await code_for(shared, user["email"])
    await person.fill("Code from the mail", code)
    await person.fill("New password", "password123")
    await person.click("button", "Set the new password")
    await person.reads("This password is one of the most common ones.")
    await person.is_at("textbox", "New password")
    await person.fill("New password", NEW_PASSWORD)
    await person.click("button", "Set the new password")
    await person.reads("Your new password is set.")
    await sign_in(person, user["userId"], NEW_PASSWORD)
    await person.sees("link", "Files")


async def test_a_session_that_ended_elsewhere_is_signed_in_again_over_the_page(
    person: Person, shared: SharedServer, user: Json
) -> None:
    await signed_in(person, user, "/account")
    await person.fill("Name", "Not yet saved")
    await close_sessions_elsewhere(shared, user)
    await person.sees("dialog", "You were signed out")
    await person.press("Escape")
    await person.press("Escape")
    await person.is_at("textbox", "Password")
    await person.write("a wrong password")
    await person.press("Enter")
    await person.reads("User ID, e-mail address or password is wrong.")
    await person.fill("Password", PASSWORD)
    await person.press("Enter")
    await person.until("!document.querySelector('dialog')")
    await person.is_at("textbox", "Name")
    await person.click("button", "Save")
    await person.reads("Saved")
    await person.reload()
    await person.until("document.querySelector('main input')?.value === 'Not yet saved'")


async def test_who_does_not_sign_in_again_leaves(person: Person, shared: SharedServer, user: Json) -> None:
    await signed_in(person, user, "/account")
    await close_sessions_elsewhere(shared, user)
    await person.sees("dialog", "You were signed out")
    await person.click("button", "Sign out")
    await person.arrives("/sign-in")
    await person.no_longer_reads("You were signed out")


async def test_signing_out_ends_the_session(person: Person, user: Json) -> None:
    await signed_in(person, user)
    await person.click("button", "Sign out")
    await person.arrives("/sign-in")
    await person.open("/account")
    await person.sees("button", "Sign in")


async def test_another_device_is_signed_out_after_the_password(
    person: Person, shared: SharedServer, user: Json, clocks: Clocks
) -> None:
    await signed_in(person, user, "/account/sessions")
    await person.reads("Python")
    clocks.passed = timedelta(minutes=11)
    await person.click("button", "Sign out everywhere else")
    await person.sees("dialog", "Is it you?")
    await person.press("Escape")
    await person.is_at("button", "Sign out everywhere else")
    await person.click("button", "Sign out everywhere else")
    await person.fill("Password", PASSWORD)
    await person.press("Enter")
    await person.reads("All other devices are signed out")
    await person.reads("You are signed in nowhere else.")


async def test_a_token_is_created_shown_once_and_revoked_by_keyboard_alone(person: Person, user: Json) -> None:
    await person.open("/account/tokens")
    await person.is_at("textbox", "User ID or e-mail address")
    await person.write(user["userId"])
    await person.tab_to("textbox", "Password")
    await person.write(PASSWORD)
    await person.press("Enter")
    await person.tab_to("button", "Create a token")
    await person.press("Enter")
    await person.is_at("textbox", "Name")
    await person.write("backup")
    await person.tab_to("checkbox", "Upload files")
    await person.press(" ")
    await person.press("Enter")
    await person.sees("textbox", "Token")
    secret = await person.tab.run("document.querySelector('dialog input').value")
    assert re.fullmatch(r"ckp_\w+", secret)
    await person.tab_to("button", "Done")
    await person.press("Enter")
    await person.is_at("button", "Create a token")
    await person.reads("Read and download all files, Upload files")
    assert secret not in await person.tab.run("document.documentElement.outerHTML")
    await person.tab_to("button", "Revoke “backup”")
    await person.press("Enter")
    await person.tab_to("button", "Revoke")
    await person.press("Enter")
    await person.reads("“backup” is revoked")
    await person.reads("No tokens yet.")


async def test_the_password_and_the_address_are_changed(person: Person, shared: SharedServer, user: Json) -> None:
    await signed_in(person, user, "/account/security")
    await person.fill("Current password", "a wrong password")
    await person.fill("New password", NEW_PASSWORD)
    await person.click("button", "Change the password")
    await person.reads("The password is wrong")
    await person.is_at("textbox", "Current password")
    await person.fill("Current password", PASSWORD)
    await person.click("button", "Change the password")
    await person.reads("Your password is changed.")
    address = f"new-{user['email']}"
    await person.click("link", "Profile")
    await person.click("button", "Change the address")
    await person.fill("New e-mail address", address)
    await person.click("button", "Send a code")
    await person.fill("Code from the mail", await code_for(shared, address))
    await person.press("Enter")
    await person.reads(f"Your address is {address} now")


async def test_a_change_of_address_by_somebody_else_is_undone(person: Person, shared: SharedServer, user: Json) -> None:
    address = f"thief-{user['email']}"
    await signed_in(person, user, "/account")
    await person.click("button", "Change the address")
    await person.fill("New e-mail address", address)
    await person.click("button", "Send a code")
    await person.fill("Code from the mail", await code_for(shared, address))
    await person.press("Enter")
    await person.reads(f"Your address is {address} now")
    await person.click("button", "Sign out")
    await person.arrives("/sign-in")
    await person.open("/reset")
    await person.click("button", "Did somebody else change your address?")
    await person.fill("Token from the mail", "no token")
    await person.press("Enter")
    await person.reads("The token is wrong, was used, or has expired.")
    await person.fill("Token from the mail", await token_for(shared, user["email"]))
    await person.press("Enter")
    await person.reads(f"{user['email']} is the address of your account again")
    await person.click("button", "Send a code")
    await person.reads(f"If {user['email']} has an account, a code was sent there.")


@pytest.mark.parametrize(
    ("mode", "text"), [("CLOSED", "This server takes no new accounts"), ("INVITE", "You have it from the people")]
)
async def test_who_may_sign_up_is_said(person: Person, mode: str, text: str) -> None:
    async with answering(person, f'text.replace(\'"registration":"OPEN"\', \'"registration":"{mode}"\')'):
        await person.open("/sign-up")
        await person.reads(text)


async def test_a_list_that_cannot_be_loaded_says_so_and_is_tried_again(person: Person, user: Json) -> None:
    await signed_in(person, user)
    failure = '{"data":null,"errors":[{"message":"","extensions":{"code":"INTERNAL","requestId":"request-1"}}]}'
    async with answering(person, f"text.includes('userAgent') && !window.tries++ ? {json.dumps(failure)} : text"):
        await person.open("/account/sessions")
        await person.reads("The sessions could not be loaded.")
        await person.reads("request-1")
        await person.click("button", "Try again")
        await person.reads("This browser")
        await person.no_longer_reads("The sessions could not be loaded.")
