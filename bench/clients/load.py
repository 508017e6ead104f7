"""As many requests as a server answers: connections that ask the same again as soon as they have an answer."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.clients.wire import WireError

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True)
class Answered:
    """What came of it: answers, and the seconds that they took all together."""

    count: int
    seconds: float


def post(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request as it goes over the wire."""
    given = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json", **headers, "Content-Length": len(body)}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode() + body


async def ask_for(seconds: float, port: int, request: bytes, connections: int) -> Answered:
    """Ask without pause. Raises :class:`WireError` on an answer that has an error or another status than 200."""
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    made = [await loop.create_connection(lambda: Asker(request), "127.0.0.1", port) for _ in range(connections)]
    askers = [asker for _, asker in made]
    await asyncio.sleep(seconds)
    await asyncio.gather(*(asker.stop() for asker in askers))
    return Answered(sum(asker.count for asker in askers), time.perf_counter() - begun)


class Asker(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes) -> None:
        self.count = 0
        self._request = request
        self._answer = b""
        self._stopping = False
        self._done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Ask again once the answer is whole."""
        self._answer += data
        head, end, body = self._answer.partition(HEAD_END)
        if not end or len(body) < _length(head):
            return
        if b" 200 " not in head[:20] or b'"errors"' in body[:20]:
            self._finish(WireError(self._answer[-500:].decode(errors="replace")))
        elif self._stopping:
            self._finish()
        else:
            self._transport.write(self._request)
        self.count += 1
        self._answer = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._finish(WireError("the server closed the connection"))

    async def stop(self) -> None:
        """Wait for the last answer. Raises :class:`WireError` when anything went wrong before."""
        self._stopping = True
        await self._done

    def _finish(self, error: WireError | None = None) -> None:
        if not self._done.done():
            self._done.set_exception(error) if error else self._done.set_result(None)
            self._transport.close()


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(LENGTH) + len(LENGTH)
    return int(lowered[start:].split(b"\r\n", 1)[0])
