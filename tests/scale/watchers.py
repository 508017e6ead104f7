"""A client that watches an upload to its end, whatever happens to the server, by event stream and WebSocket."""

import asyncio
import contextlib
import json

import httpx
from httpx_sse import EventSource
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.graphql_ws import connected
from tests.support.server import PROGRESS, Api, Json
from tests.support.uploads import AGAIN

PAUSE_SECONDS = 0.1
AWAY = (httpx.TransportError, ConnectionClosed, InvalidHandshake, OSError, EOFError)
FINAL = {"READY", "FAILED", "ABORTED", "EXPIRED"}


class Watcher:
    """Watches one upload to its end, and reconnects with the last cursor whenever it is disconnected."""

    def __init__(self, person: Api, upload_id: str) -> None:
        self._person = person
        self.upload_id = upload_id
        self.frames: list[Json] = []
        self.cuts = 0

    async def by_events(self) -> list[Json]:
        """Every frame, over Server-Sent Events."""
        while not self._has_ended():
            with contextlib.suppress(*AWAY):
                await self._events()
            await self._pause()
        return self.frames

    async def by_socket(self) -> list[Json]:
        """Every frame, over WebSockets."""
        while not self._has_ended():
            with contextlib.suppress(*AWAY):
                await self._socket()
            await self._pause()
        return self.frames

    def _has_ended(self) -> bool:
        return bool(self.frames) and self.frames[-1]["stage"] in FINAL

    async def _pause(self) -> None:
        if not self._has_ended():
            self.cuts += 1
            await asyncio.sleep(PAUSE_SECONDS)

    @property
    def _variables(self) -> Json:
        return {"id": self.upload_id, "after": self.frames[-1]["cursor"] if self.frames else None}

    async def _events(self) -> None:
        body = {"query": PROGRESS, "variables": self._variables}
        headers = {"Accept": "text/event-stream"}
        async with self._person.http.stream("POST", "/graphql", json=body, headers=headers) as response:
            if response.status_code >= 500:
                return
            async for event in EventSource(response).aiter_sse():
                if event.event == "next":
                    self._take(event.json())
                assert event.event != "complete" or self._has_ended(), "told that it was over, and it was not"

    async def _socket(self) -> None:
        async with connected(str(self._person.http.base_url).rstrip("/")) as socket:
            ready = await socket.init(Authorization=self._person.http.headers["Authorization"])
            assert ready == {"type": "connection_ack"}
            await socket.subscribe(PROGRESS, **self._variables)
            while (message := await socket.receive())["type"] in {"next", "error", "ping"}:
                if message["type"] != "ping":
                    self._take(message["payload"] if message["type"] == "next" else {"errors": message["payload"]})
            assert self._has_ended(), f"told that it was over, and it was not: {json.dumps(message)}"

    def _take(self, payload: Json) -> None:
        if "errors" in payload:
            code = payload["errors"][0]["extensions"]["code"]
            assert code in AGAIN, payload
            raise EOFError(code)
        self.frames.append(payload["data"]["uploadProgress"])
