"""What people do with their account, on the page and elsewhere."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.browser.page.support.person import Person
from tests.support.server import PASSWORD, Api, Json, http_client
from tests.support.shared_server import SharedServer
from tests.support.waiting import eventually

NEW_PASSWORD = "four unrelated words"
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
        # Else a page that asks whether it may be left waits for an answer.
        await person.tab.command("Page.disable")


async def fill_in_registration(person: Person, name: str) -> None:
    await person.fill("User ID", name)
    await person.fill("Name", "Ada Lovelace")
    await person.fill("E-mail address", f"{name}@example.org")
    await person.fill("Password", NEW_PASSWORD)
    await person.click("button", "Create an account")


async def pass_time(person: Person, seconds: int) -> None:
    """Let the clock of the page be ahead."""
    await person.tab.run(f"(time => {{ Date.now = () => time() + {seconds} * 1000 }})(Date.now)")


def sign_in_behind(user: Json) -> str:
    """A script that signs in as another tab does."""
    body = {"query": LOGIN, "variables": {"input": {"userId": user["userId"], "password": PASSWORD, "cookies": True}}}
    return f"""fetch('/graphql', {{
      method: 'POST', headers: {{ 'Content-Type': 'application/json' }}, body: {json.dumps(json.dumps(body))}
    }}).then(() => new BroadcastChannel('cloudkeep.session').postMessage('{user["userId"]}'))"""
