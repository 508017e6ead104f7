"""The parts of the account."""

from collections.abc import AsyncGenerator

from tests.browser.page.support.accounts import sign_in_elsewhere
from tests.browser.page.support.drive import signed_in
from tests.browser.page.whole.walks.visit import Visit
from tests.support.server import PASSWORD


async def account(visit: Visit) -> AsyncGenerator[str, None]:
    """Profile, password, sessions and tokens."""
    person, api = visit.person, visit.contents.api
    await sign_in_elsewhere(visit.shared, (await api.data("{ me { userId } }"))["userId"], PASSWORD)
    await signed_in(person, api, "/account")
    await person.sees("button", "Change the address")
    yield "profile"
    await person.click("button", "Change the address")
    await person.click("button", "Send a code")
    await person.reads("Enter the new address.")
    yield "address-refused"
    await person.press("Escape")
    await person.click("link", "Security")
    await person.fill("New password", "short")
    yield "security"
    await person.click("link", "Sessions")
    await person.reads("This browser")
    yield "sessions"
    await person.click("link", "Tokens")
    await person.reads("No tokens yet.")
    yield "tokens-empty"
    await person.click("button", "Create a token")
    await person.fill("Name", "Backup of the laptop")
    await person.click("checkbox", "Upload files")
    yield "token-new"
    await person.press("Enter")
    await person.sees("textbox", "Token")
    yield "token-secret"
    await person.click("button", "Done")
    await person.reads("never used")
    yield "tokens"
    await person.click("button", "Revoke “Backup of the laptop”")
    await person.sees("button", "Revoke")
    yield "token-question"
    await person.click("button", "Revoke")
    await person.reads("No tokens yet.")
