"""People sign up, sign in, and get their account back, on the page."""

import secrets

import pytest

from tests.browser.page.support.accounts import (
    NEW_PASSWORD,
    WRONG_CODE,
    answering,
    code_for,
    fill_in_registration,
    pass_time,
    sign_in,
    sign_in_elsewhere,
    signed_in,
    token_for,
)
from tests.browser.page.support.person import Person
from tests.support.server import Json
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_new_person_signs_up_and_sees_files(person: Person, shared: SharedServer) -> None:
    name = f"ada-{secrets.token_hex(4)}"
    await person.open("/sign-in")
    await person.click("link", "Create an account")
    await fill_in_registration(person, name)
    code = await code_for(shared, f"{name}@example.org")
    await person.reads(f"A code was sent to {name}@example.org")
    await person.reload()
    await person.is_at("textbox", "Code from the e-mail")
    await person.fill("Code from the e-mail", "000000" if code != "000000" else "000001")
    await person.press("Enter")
    await person.reads(WRONG_CODE)
    await person.is_at("textbox", "Code from the e-mail")
    await person.fill("Code from the e-mail", f"{code[:3]} {code[3:]}")
    await person.click("button", "Create the account")
    await person.sees("link", "Files")
    await person.arrives("/")
    assert await person.tab.run("sessionStorage.getItem('cloudkeep.registration')") is None
    assert await sign_in_elsewhere(shared, name, NEW_PASSWORD) == name


async def test_a_new_code_can_be_sent_after_a_while_until_the_registration_expires(
    person: Person, shared: SharedServer
) -> None:
    name = f"ada-{secrets.token_hex(4)}"
    await person.open("/sign-up")
    await fill_in_registration(person, name)
    first = await code_for(shared, f"{name}@example.org")
    shared.sink.mails.clear()
    await pass_time(person, seconds=31)
    await person.click("button", "Send a new code")
    await person.reads("A new code is on its way.")
    assert await code_for(shared, f"{name}@example.org") != first
    await pass_time(person, seconds=60 * 11)
    await person.reads("This code has expired.")
    await person.click("button", "Start again")
    await person.is_at("textbox", "User ID")


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
    await person.click("link", "Forgot your password?")
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
    await person.click("link", "Forgot your password?")
    await person.fill("E-mail address", user["email"])
    await person.click("button", "Send a code")
    code = await code_for(shared, user["email"])
    await person.fill("Code from the e-mail", code)
    await person.fill("New password", "password123")
    await person.click("button", "Set the new password")
    await person.reads("This password is one of the most common ones.")
    await person.is_at("textbox", "New password")
    await person.fill("New password", NEW_PASSWORD)
    await person.click("button", "Set the new password")
    await person.reads("Your new password is set.")
    await sign_in(person, user["userId"], NEW_PASSWORD)
    await person.sees("link", "Files")


async def test_a_change_of_address_by_somebody_else_is_undone(person: Person, shared: SharedServer, user: Json) -> None:
    address = f"thief-{user['email']}"
    await signed_in(person, user, "/account")
    await person.click("button", "Change the address")
    await person.fill("New e-mail address", address)
    await person.click("button", "Send a code")
    await person.fill("Code from the e-mail", await code_for(shared, address))
    await person.press("Enter")
    await person.reads(f"Your address is {address} now")
    await person.click("button", "Sign out")
    await person.arrives("/sign-in")
    await person.open("/reset")
    await person.click("button", "Did somebody else change your address?")
    await person.fill("Token from the e-mail", "no token")
    await person.press("Enter")
    await person.reads("The token is wrong, was used, or has expired.")
    await person.fill("Token from the e-mail", await token_for(shared, user["email"]))
    await person.press("Enter")
    await person.reads(f"{user['email']} is the address of your account again")
    await person.click("button", "Send a code")
    await person.reads(f"If {user['email']} has an account, a code was sent there.")


@pytest.mark.parametrize(
    ("mode", "text"), [("CLOSED", "This server takes no new accounts"), ("INVITE", "The people who run this server")]
)
async def test_who_may_sign_up_is_said(person: Person, mode: str, text: str) -> None:
    async with answering(person, f'text.replace(\'"registration":"OPEN"\', \'"registration":"{mode}"\')'):
        await person.open("/sign-up")
        await person.reads(text)
