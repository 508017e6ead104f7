"""People keep control of their account on the page."""

import json
import re
from datetime import timedelta

import pytest

from tests.browser.page.support.accounts import (
    NEW_PASSWORD,
    answering,
    close_sessions_elsewhere,
    code_for,
    sign_in_behind,
    signed_in,
)
from tests.browser.page.support.person import Person
from tests.support.clock import Clocks
from tests.support.server import PASSWORD, Json
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_a_sign_in_of_another_tab_counts_here_too(person: Person, shared: SharedServer, user: Json) -> None:
    await signed_in(person, user)
    await person.tab.run("window.isOld = true; new BroadcastChannel('cloudkeep.session').postMessage('another')")
    await person.until("!window.isOld")
    await person.sees("link", "Files")
    await person.click("button", "Sign out")
    await person.sees("button", "Sign in")
    await person.tab.run(f"void {sign_in_behind(user)}")
    await person.sees("link", "Files")


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
    await person.sees("dialog", "Confirm your password")
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
    await person.fill("Code from the e-mail", await code_for(shared, address))
    await person.press("Enter")
    await person.reads(f"Your address is {address} now")


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
