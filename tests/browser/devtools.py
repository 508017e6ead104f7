"""Runs scripts in the page of a browser, by the DevTools protocol of Chromium."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.support.server import Json, http_client
from tests.support.waiting import eventually

#: Chromium chooses a free port, and writes it into its profile.
FLAGS = ("--remote-debugging-port=0",)
PORT_FILE = "DevToolsActivePort"
PATIENCE_SECONDS = 60.0
#: What tells of errors.
CONSOLE = ("Runtime", "Log")
#: Files of the page. Chromium writes each request that failed into the console; the others the page itself handles.
ASSET = re.compile(r"https?://[^/]+/(graphiql/)?assets/")


class ScriptFailed(Exception):
    """A script of the test has thrown."""


class Session:
    """One connection to the page of a tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self.events: list[Json] = []

    @classmethod
    async def connected(cls, url: str) -> "Session":
        """A session of the tab with this address."""
        # Events wait, however many, until a command is answered.
        return cls(await connect(url, max_size=None, max_queue=None, ping_interval=None))

    async def close(self) -> None:
        """End the session."""
        await self._connection.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where the browser listens."""
        host, port = self._connection.remote_address[:2]
        return host, port

    async def command(self, method: str, **parameters: object) -> Json:
        """The result of a command. The events that have arrived before it are in ``events``."""
        number = next(self._ids)
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (message := json.loads(await self._connection.recv())).get("id") != number:
                if "method" in message:  # else it is the answer to a command that was given up
                    self.events.append(message)
        if "error" in message:
            raise ScriptFailed(message["error"])
        result: Json = message["result"]
        return result


class Tab:
    """A tab of the browser.

    The console has a session of its own: one that asks for a document while that is replaced may never get an answer.
    """

    def __init__(self, url: str, session: Session, console: Session) -> None:
        self._url = url
        self._session = session
        self._console = console

    @classmethod
    async def connected(cls, url: str) -> "Tab":
        """A tab by the address of its protocol."""
        tab = cls(url, await Session.connected(url), await Session.connected(url))
        for domain in CONSOLE:
            await tab._console.command(f"{domain}.enable")
        return tab

    async def connect_again(self) -> None:
        """Begin a new session, and load the page again if Chromium says that its process has crashed."""
        await self._session.close()
        self._session = await Session.connected(self._url)
        await self._session.command("Inspector.enable")
        if any(event["method"] == "Inspector.targetCrashed" for event in self._session.events):
            await self._session.command("Page.reload")

    async def close(self) -> None:
        """End the sessions."""
        await self._session.close()
        await self._console.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where the browser listens."""
        return self._session.address

    async def command(self, method: str, **parameters: object) -> Json:
        """The result of a command. Raises :class:`ScriptFailed` if the browser refuses it."""
        return await self._session.command(method, **parameters)

    async def event(self, method: str) -> Json:
        """The parameters of the first event of this kind. Those before it are dropped."""

        async def arrived() -> Json | None:
            await self.run("0")  # reads what has arrived
            events, self._session.events = self._session.events, []
            return next((event["params"] for event in events if event["method"] == method), None)

        return await eventually(arrived)

    async def errors(self) -> list[str]:
        """What the browser wrote into the console as an error since the last call."""
        await self._console.command("Runtime.evaluate", expression="0")
        events, self._console.events = self._console.events, []
        return [error for event in events if (error := error_of(event["method"], event["params"]))]

    async def run(self, script: str) -> Any:
        """The value of an expression, after its promise if it is one. Raises :class:`ScriptFailed`."""
        result = await self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise ScriptFailed(result["exceptionDetails"])
        return result["result"].get("value")

    async def show(self, url: str) -> None:
        """Show a page as if its address was typed."""
        await self.command("Page.navigate", url=url)
        await self.until_shown(url)

    async def until_shown(self, url: str) -> None:
        """Wait until a page is shown and loaded."""

        async def is_shown() -> bool:
            try:
                return bool(
                    await self.run(f"document.readyState === 'complete' && location.href === {json.dumps(url)}")
                )
            except ScriptFailed:  # the page before has just been left
                return False

        await eventually(is_shown)


def error_of(method: str, event: Json) -> str | None:
    """What an event says about an error: of a script, of a policy that refused something, or of a file not loaded."""
    if method == "Runtime.exceptionThrown":
        details = event["exceptionDetails"]
        return str(details.get("exception", {}).get("description") or details["text"])
    if method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
        return " ".join(str(part.get("value", part.get("description"))) for part in event["args"])
    if method == "Log.entryAdded" and event["entry"]["level"] == "error":
        entry, url = event["entry"], event["entry"].get("url", "")
        return f"{entry['text']} {url}" if entry["source"] != "network" or ASSET.match(url) else None
    return None


@asynccontextmanager
async def opened_tab(profile: Path) -> AsyncIterator[Tab]:
    """The tab of the browser that has been started with this profile and with ``FLAGS``."""

    async def port() -> str | None:
        file = profile / PORT_FILE
        return file.read_text().partition("\n")[0] if file.exists() else None

    async def address() -> str | None:
        async with http_client() as http:
            targets = (await http.get(f"http://127.0.0.1:{await eventually(port)}/json/list")).json()
        return next((str(target["webSocketDebuggerUrl"]) for target in targets if target["type"] == "page"), None)

    tab = await Tab.connected(await eventually(address))
    try:
        yield tab
    finally:
        await tab.close()
