"""A client of the protocol graphql-transport-ws that can also misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = "graphql-transport-ws"
PATIENCE_SECONDS = 15.0

Json = dict[str, Any]


class Socket:
    """One connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: object) -> None:
        """Send a message; text and bytes are sent unchanged."""
        await self._connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def send_slowly(self, pieces: Iterable[str]) -> None:
        """Send a message in fragments, with a pause between them."""

        async def fragments() -> AsyncIterator[str]:
            for piece in pieces:
                yield piece
                await asyncio.sleep(0.01)

        await self._connection.send(fragments())

    async def receive(self) -> Json:
        """The next message."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            message: Json = json.loads(await self._connection.recv())
        return message

    async def init(self, **payload: object) -> Json:
        """Open the connection, with these parameters."""
        await self.send({"type": "connection_init", "payload": payload})
        return await self.receive()

    async def subscribe(self, document: str, *, name: str = "1", **variables: object) -> None:
        """Begin an operation."""
        await self.send({"id": name, "type": "subscribe", "payload": {"query": document, "variables": variables}})

    async def until_complete(self) -> list[Json]:
        """Every message of the only operation, without the last one, which says that it is complete."""
        messages = []
        while (message := await self.receive())["type"] != "complete":
            messages.append(message)
        return messages

    async def until_complete_or_error(self) -> list[Json]:
        """Every message of the only operation, of which the last one may be an error."""
        messages = [await self.receive()]
        while messages[-1]["type"] == "next":
            messages.append(await self.receive())
        return messages if messages[-1]["type"] == "error" else messages[:-1]

    async def closing(self) -> int:
        """The code that the server closes with; messages before that are skipped."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


@asynccontextmanager
async def connected(
    url: str, protocols: Sequence[str] = (PROTOCOL,), headers: dict[str, str] | None = None
) -> AsyncIterator[Socket]:
    """Connect to the GraphQL endpoint of the server at this URL."""
    target = f"ws{url.removeprefix('http')}/graphql"
    names = [Subprotocol(protocol) for protocol in protocols]
    async with connect(target, subprotocols=names or None, additional_headers=headers, close_timeout=1) as connection:
        yield Socket(connection)


def codes_of(messages: list[Json]) -> list[str]:
    """The codes of the last message's errors."""
    payload = messages[-1]["payload"]
    errors = payload if isinstance(payload, list) else payload["errors"]
    return [error["extensions"]["code"] for error in errors]
