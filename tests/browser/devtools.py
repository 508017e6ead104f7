"""Runs scripts in the page of a browser, by the DevTools protocol of Chromium."""

import asyncio
import itertools
import json
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


class ScriptFailed(Exception):
    """A script of the test has thrown."""


class Tab:
    """The only tab of the browser."""

    def __init__(self, connection: ClientConnection, url: str) -> None:
        self._connection = connection
        self._url = url
        self._ids = itertools.count(1)

    @classmethod
    async def connected(cls, url: str) -> "Tab":
        """A tab by the address of its protocol."""
        return cls(await connect(url, max_size=None), url)

    async def connect_again(self) -> None:
        """Begin a new session: one whose document was replaced during a query may answer nothing any more."""
        await self.close()
        self._connection = await connect(self._url, max_size=None)

    async def close(self) -> None:
        """End the session."""
        await self._connection.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where the browser listens."""
        host, port = self._connection.remote_address[:2]
        return host, port

    async def command(self, method: str, **parameters: object) -> Json:
        """The result of a command. Events that arrive meanwhile are dropped."""
        number = next(self._ids)
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (message := json.loads(await self._connection.recv())).get("id") != number:
                pass
        if "error" in message:
            raise ScriptFailed(message["error"])
        result: Json = message["result"]
        return result

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
